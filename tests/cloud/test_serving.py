"""The receiver as a process: its ready line, its end, and why it does not start."""

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import sys

import aiohttp
import pytest

from phonehome_cloud.workers.supervising import Supervised
from phonehome_tools.fleet.postgresql import free_port
from tests.cloud.running import CONTENT_TYPE, TOKEN
from tests.cloud.voice import Voice

DEADLINE_S = 40
PARTS = [
    "actions",
    "care",
    "commands",
    "database",
    "digest",
    "disk",
    "files",
    "lag",
    "mails",
    "measuring",
    "mqtt",
    "schema",
    "sweep",
    "visits",
    "webhooks",
]


def environment(folder, **more):
    """The settings of a receiver in `folder`."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith("PHONEHOME_")}
    given = {
        "PHONEHOME_API_TOKEN": TOKEN,
        "PHONEHOME_SERVER_PORT": "0",
        "PHONEHOME_STORE_URL": f"sqlite:///{folder}/receiver.db",
    }
    return ours | given | {f"PHONEHOME_{k}": v for k, v in more.items()}


async def command(folder, *words, **more):
    """Run `python -m phonehome_cloud ...` to its end; returns (exit code, output, errors)."""
    process = await begin(folder, *words, **more)
    async with asyncio.timeout(DEADLINE_S):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


async def begin(folder, *words, **more):
    """Start `python -m phonehome_cloud ...`."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "phonehome_cloud",
        *words,
        env=environment(folder, **more),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@contextlib.asynccontextmanager
async def served(folder, **more):
    """A receiver process that is ready; yields (process, its ready line)."""
    process = await begin(folder, "serve", **more)
    try:
        async with asyncio.timeout(DEADLINE_S):
            line = (await process.stdout.readline()).decode()
        yield process, line
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_says_in_one_line_where_it_listens_and_ends_in_order(tmp_path):
    """HTTP and MQTT addresses that work; SIGTERM ends it with 0 and nothing more to say."""
    async with served(tmp_path, MQTT_EMBEDDED="true", MQTT_PORT="0") as (process, line):
        found = re.fullmatch(r"phonehome receiver ready http=(\S+) mqtt=(mqtt://\S+)\n", line)
        async with aiohttp.ClientSession() as session:
            async with session.get(found[1] + "/readyz") as answer:
                lines = (await answer.text()).splitlines()
                assert (answer.status, sorted(lines)) == (200, [f"{part}: ok" for part in PARTS])
            async with session.get(found[1] + "/metrics") as answer:
                assert "phonehome_messages_total" in await answer.text()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            rest, errors = await process.communicate()
        assert (process.returncode, rest) == (0, b"")
        assert b"Traceback" not in errors


async def test_what_was_being_committed_at_the_end_is_committed(tmp_path):
    """Every report that was answered before or during SIGTERM is in the database."""
    voice = Voice()
    async with served(tmp_path) as (process, line):
        url = re.search(r"http=(\S+)", line)[1]
        headers = {"Authorization": f"Bearer {TOKEN}"}
        body = {"device": voice.device, "product": "washer", "key": voice.key.hex()}
        async with aiohttp.ClientSession() as session:
            await session.post(url + "/api/v1/devices", json=body, headers=headers)

            async def send(message):
                try:
                    up = session.post(
                        url + "/v1/up", data=message, headers={"Content-Type": CONTENT_TYPE}
                    )
                    async with up as answer:
                        return answer.status
                except aiohttp.ClientError:
                    return 0

            sending = [
                asyncio.create_task(send(voice.report(voice.heartbeat()))) for _ in range(100)
            ]
            await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            process.send_signal(signal.SIGTERM)
            statuses = await asyncio.gather(*sending)
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "receiver.db")) as database:
        (stored,) = database.execute("SELECT count(*) FROM record").fetchone()
    assert stored >= statuses.count(200) >= 1


async def test_a_token_is_made_printed_once_and_ended(tmp_path):
    """`token add` prints what opens the API; `revoke` ends it; names are listed, tokens never."""
    code, output, _ = await command(tmp_path, "token", "add", "anna")
    token = output.strip()
    assert (code, len(token)) == (0, 46)
    assert (await command(tmp_path, "token", "add", "anna"))[0] == 1
    assert token.encode() not in (tmp_path / "receiver.db").read_bytes()
    async with served(tmp_path) as (_, line):
        url = re.search(r"http=(\S+)", line)[1] + "/api/v1/devices"
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession() as session:
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 200
            assert (await command(tmp_path, "token", "revoke", "anna"))[0] == 0
            async with session.get(url, headers=headers) as answer:
                assert answer.status == 401
    assert "anna revoked" in (await command(tmp_path, "token", "list"))[1]
    assert (await command(tmp_path, "token", "revoke", "bert"))[0] == 1


async def test_migrate_says_where_the_schema_is(tmp_path):
    """The command that other databases need before a start."""
    code, output, _ = await command(tmp_path, "migrate")
    assert (code, "the schema is at" in output) == (0, True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SERVER_PORT": "70000"}, ["server.port", "70000"]),
        ({"STORE_URL": "sqlite://"}, ["store.url"]),
        ({"MQTT_URL": "not-a-url"}, ["mqtt.url", "not-a-url"]),
        ({"PRODUCTS_DIRECTORY": "/nowhere"}, ["products.directory", "/nowhere"]),
        ({"MASTER_KEY": "abc"}, ["keys.master", "not shown"]),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_its_name(tmp_path, more, words):
    """One line per mistake, exit code 2, no traceback."""
    code, output, errors = await command(tmp_path, "serve", **more)
    assert (code, output) == (2, "")
    assert all(word in errors for word in words), errors
    assert "Traceback" not in errors


async def test_a_taken_port_stops_the_start(tmp_path):
    """Also for the embedded broker; the line says which setting to change."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as holder:
        port = holder.sockets[0].getsockname()[1]
        await refused_port(tmp_path, port)


async def refused_port(tmp_path, port):
    """Check what is said about a port that somebody else has."""
    for more, word in (
        ({"SERVER_PORT": str(port)}, "server.port"),
        ({"MQTT_EMBEDDED": "1", "MQTT_PORT": str(port)}, "mqtt.port"),
    ):
        code, _, errors = await command(tmp_path, "serve", **more)
        assert (code, word in errors, "Traceback" in errors) == (2, True, False), errors


async def test_a_damaged_database_stops_the_start_and_stays_as_it_is(tmp_path):
    """A clear refusal; nothing is overwritten."""
    file = tmp_path / "receiver.db"
    file.write_bytes(b"this is no database" * 1000)
    code, _, errors = await command(tmp_path, "serve")
    assert (code, "damaged" in errors, "Traceback" in errors) == (1, True, False), errors
    assert file.read_bytes() == b"this is no database" * 1000
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".key"] == ["receiver.db"]


async def test_a_broken_product_file_stops_the_start_with_file_and_line(tmp_path):
    """The receiver never runs with half of its knowledge."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "bad.toml").write_text('[product]\nname = "BAD"\n')
    code, _, errors = await command(tmp_path, "serve", PRODUCTS_DIRECTORY=str(tmp_path / "p"))
    assert (code, "bad.toml" in errors, "Traceback" in errors) == (2, True, False)


async def test_a_broker_that_is_away_does_not_keep_http_from_starting(tmp_path):
    """Devices that speak HTTP are served; readiness says what is missing."""
    url = f"mqtt://127.0.0.1:{free_port()}"
    async with served(tmp_path, MQTT_URL=url) as (_, line):
        http = re.search(r"http=(\S+)", line)[1]
        async with aiohttp.ClientSession() as session:
            async with session.get(http + "/healthz") as answer:
                assert answer.status == 200
            async with session.get(http + "/readyz") as answer:
                assert (answer.status, "mqtt: not connected" in await answer.text()) == (503, True)


async def test_a_loop_that_ends_unexpectedly_is_run_again():
    """What it raised is logged and shown, and the work goes on."""
    runs = asyncio.Queue()

    async def run():
        runs.put_nowait(1)
        raise RuntimeError("once more")

    loop = Supervised("test", run, pause_s=0.0)
    assert loop.trouble == ""
    task = asyncio.create_task(loop.run())
    for _ in range(3):
        await runs.get()
    assert "once more" in loop.trouble
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
