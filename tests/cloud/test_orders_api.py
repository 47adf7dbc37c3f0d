"""Commands and configurations on the desk API, by people who use it right and wrong."""

import pytest

from phonehome_wire import registry as r
from phonehome_wire.downlink import Ack
from phonehome_wire.encoder import Encoder
from phonehome_wire.head import put_head
from phonehome_wire.pushed import RULE_BASE, SENSOR_BASE, rule_key
from phonehome_wire.result import put_result
from tests.cloud.running import running

pytestmark = pytest.mark.usefixtures("each_database")

E21_HIGH = rule_key(520194, 7, "high")


def result(voice, cseq, status, value=None):
    """A result record."""
    enc = Encoder(bytearray(512), 0)
    put_head(enc, r.RTYPE_RESULT, voice.boot, voice._next(), voice.now_ms)
    put_result(enc, cseq, status, value)
    return bytes(enc.buf[: enc.pos])


async def hear(receiver, voice, *records):
    """What a device is told when it sends these."""
    status, body, _ = await receiver.up(voice.report(*records))
    assert status == 200
    return voice.hear(body)


async def hear_command(receiver, voice):
    """The command that is made of a configuration: an ack says so at once, it comes behind it."""
    await receiver.eventually(lambda: hear(receiver, voice, voice.heartbeat()), lambda a: a.poll)
    return await receiver.eventually(
        lambda: hear(receiver, voice), lambda answer: not isinstance(answer, Ack)
    )


async def test_a_command_and_its_result(tmp_path):
    """Asked for by name, sent by poll, and what became of it is there to be read."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/commands"
        body = {"code": "send_log", "args": {"lines": 5}, "deadline_s": 60}
        made = await receiver.api("POST", path, 201, json=body)
        assert receiver.headers["Location"] == f"/api/v1{path}/1"
        assert (made["id"], made["code"], made["name"], made["state"]) == (
            1,
            7,
            "send_log",
            "queued",
        )
        assert (made["args"], made["asked_by"]) == ({"lines": 5}, "token:configured")
        assert made["deadline_at"] - made["asked_at"] == 60_000
        assert (await hear(receiver, voice, voice.heartbeat())).poll == r.POLL_COMMANDS
        heard = await hear(receiver, voice)
        assert (heard.code, heard.args) == (7, {0: 5})
        assert (await receiver.api("GET", f"{path}/1"))["state"] == "sent"
        assert isinstance(await hear(receiver, voice, result(voice, heard.cseq, 0, 3)), Ack)
        found = await receiver.api("GET", f"{path}/1")
        assert (found["state"], found["status"], found["value"]) == ("done", "ok", 3)
        assert (found["boot"], found["cseq"], found["sends"]) == (1, 1, 1)


async def test_commands_are_listed_newest_first(tmp_path):
    """Page by page, and each is there once."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/commands"
        for code in range(200, 205):
            await receiver.api("POST", path, 201, json={"code": code, "repeat": True})
        found, cursor = [], ""
        while cursor is not None:
            page = await receiver.api("GET", f"{path}?limit=2{cursor and '&cursor=' + cursor}")
            found += [item["code"] for item in page["items"]]
            cursor = page["next"]
        assert found == [204, 203, 202, 201, 200]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"code": "explode"}, "code"),
        ({"code": 3}, "code"),
        ({"code": "send_log", "args": {"lines": 99}}, "args.lines"),
        ({"code": 200, "args": {"x": 1}}, "args.x"),
        ({"code": 200, "args": {"1": 0.5}}, "args"),
        ({"code": "ping", "deadline_s": 0}, "deadline_s"),
        ({"code": "reboot", "repeat": True}, "repeat"),
        ({"code": "ping", "when": "now"}, "when"),
        ({}, "code"),
    ],
)
async def test_wrong_commands_are_refused(tmp_path, body, field):
    """The refusal names the field, and nothing waits."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/commands"
        problem = await receiver.api("POST", path, 422, json=body)
        assert [error["field"] for error in problem["errors"]] == [field]
        assert (await receiver.api("GET", path))["items"] == []


async def test_unknown_devices_have_no_commands(tmp_path):
    """Neither a stranger nor a revoked device can be told anything."""
    async with running(tmp_path) as receiver:
        stranger = "/devices/00000000000000ff"
        await receiver.api("POST", stranger + "/commands", 404, json={"code": "ping"})
        await receiver.api("GET", stranger + "/commands", 404)
        await receiver.api("PUT", stranger + "/config", 404, json={"values": {}})
        await receiver.api("GET", stranger + "/config", 404)
        voice = await receiver.register()
        path = f"/devices/{voice.device}"
        await receiver.api("GET", path + "/commands/1", 404)
        await receiver.api("GET", path + "/config", 404)
        await receiver.api("POST", path + "/revoke")
        await receiver.api("POST", path + "/commands", 409, json={"code": "ping"})


async def test_a_configuration_from_wish_to_word(tmp_path):
    """Settings and a limit in the sensor's unit: sent scaled, and told back by name."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/config"
        await hear(receiver, voice, voice.heartbeat(version=0))
        values = {"heartbeat_s": 60, "E21.high": -1.5, "E21.on_delay_ms": 9000}
        made = await receiver.api("PUT", path, json={"values": values})
        assert (made["version"], made["state"], made["values"]) == (1, "pending", values)
        heard = await hear_command(receiver, voice)
        delay = rule_key(520194, 7, "on_delay_ms")
        assert heard.args == {0: 1, 1: {1: 60, E21_HIGH: -1500, delay: 9000}}
        judged = {1: 0, E21_HIGH: r.PUSHED_OUT_OF_RANGE, delay: 0}
        await hear(receiver, voice, result(voice, heard.cseq, r.RESULT_BAD_ARGS, judged))
        found = await receiver.eventually(
            lambda: receiver.api("GET", path), lambda c: c["state"] == "refused"
        )
        assert found["statuses"][0] == {"name": "E21.high", "status": "out_of_range"}
        assert {s["name"]: s["status"] for s in found["statuses"][1:]} == {
            "heartbeat_s": "ok",
            "E21.on_delay_ms": "ok",
        }
        assert (found["reported"], found["next_try_at"]) == (0, None)


async def test_wrong_values_are_named_all(tmp_path):
    """Each value that cannot be set is named with its fix, and nothing is wished for."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/config"
        values = {"heartbeat_s": 0, "ack_s": 1.5, "colour": 1, "E21.low": 1e12, "E99.low": 1}
        values |= {"E21.colour": 1, "E22.low": 0.001, "gather_ms": 5}
        problem = await receiver.api("PUT", path, 422, json={"values": values})
        assert {error["field"] for error in problem["errors"]} == {
            f"values.{name}" for name in values if name != "gather_ms"
        }
        await receiver.api("GET", path, 404)
        many = {"values": {f"x{number}": 1 for number in range(33)}}
        assert (await receiver.api("PUT", path, 422, json=many))["errors"][0]["field"] == "values"
        wrong = {"values": {"heartbeat_s": "60"}}
        await receiver.api("PUT", path, 422, json=wrong)


async def test_two_people_wish_at_once(tmp_path):
    """Who names a version that somebody else took meanwhile is told."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/config"
        await receiver.api("PUT", path, json={"values": {"ack_s": 9}, "version": 1})
        problem = await receiver.api("PUT", path, 409, json={"values": {}, "version": 1})
        assert "is 2" in problem["detail"]


async def test_a_password_is_sent_and_never_shown(tmp_path, caplog):
    """The device hears it; no answer, listing, log or file of the receiver has it in the clear."""
    caplog.set_level("DEBUG")
    secret = "a very secret word"
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}"
        await hear(receiver, voice, voice.heartbeat(version=0))
        values = {
            "wifi_ssid": "new",
            "wifi_password": secret,
            "server": "https://new.example:8443",
        }
        made = await receiver.api("PUT", path + "/config", json={"values": values})
        assert made["values"] == values | {"wifi_password": "(set)"}
        heard = await hear_command(receiver, voice)
        assert heard.args == {0: 1, 1: {7: values["server"], 8: "new", 9: secret}}
        await hear(receiver, voice, result(voice, heard.cseq, 0, {7: 0, 8: 0, 9: 0}))
        found = await receiver.eventually(
            lambda: receiver.api("GET", path + "/config"), lambda c: c["statuses"]
        )
        commands = await receiver.api("GET", path + "/commands")
        assert {"name": "wifi_password", "status": "ok"} in found["statuses"]
        assert secret not in repr((made, found, commands))
        again = await receiver.api("PUT", path + "/config", 422, json={"values": found["values"]})
        assert [error["field"] for error in again["errors"]] == ["values.wifi_password"]
        short = {"wifi_ssid": "new", "wifi_password": "s3cret"}
        problem = await receiver.api("PUT", path + "/config", 422, json={"values": short})
        assert "s3cret" not in repr(problem)
    assert secret not in caplog.text
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


async def test_wrong_ways_are_named(tmp_path):
    """Addresses that no device could use, texts that are none, and a password of no network."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/config"
        for server in ("ftp://x.example", "https://", "https://x:99999", "https://u:p@x", 7):
            problem = await receiver.api("PUT", path, 422, json={"values": {"server": server}})
            assert [error["field"] for error in problem["errors"]] == ["values.server"]
        values = {"wifi_password": "long enough", "E21.low": "1", "ack_s": "9"}
        problem = await receiver.api("PUT", path, 422, json={"values": values})
        assert {error["field"] for error in problem["errors"]} == {
            "values.wifi_ssid",
            "values.E21.low",
            "values.ack_s",
        }


async def test_the_period_of_a_sensor(tmp_path):
    """By the name of the sensor; sent under the key of its channel."""
    async with running(tmp_path) as receiver:
        voice = await receiver.register()
        path = f"/devices/{voice.device}/config"
        await hear(receiver, voice, voice.heartbeat(version=0))
        await receiver.api("PUT", path, json={"values": {"water_level.period_ms": 250}})
        heard = await hear_command(receiver, voice)
        assert list(heard.args[1].values()) == [250]
        assert all(SENSOR_BASE <= key < RULE_BASE for key in heard.args[1])
