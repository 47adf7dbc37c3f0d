# cpython-only
"""A sleeping appliance under MicroPython: a process for each wake, as a board starts for each."""

import asyncio
import json

import pytest

from phonehome.ports.sleep import EXIT_ASLEEP
from phonehome_product import compile_device, load
from phonehome_wire import registry
from phonehome_wire.pushed import sensor_key
from tests.fakes.board import DEVICE, HEAP, KEY

MINUTE_MS = 60_000
BEGUN_MS = 1_700_000_000_000
COLD, WARM = -18, 4
HEARTBEAT = 1  # of phonehome_wire.pushed
# What only a wake with something to say may load.
LOUD = {
    "asyncio",
    "phonehome.agent",
    "phonehome.voice",
    "phonehome.core.checks",
    "phonehome.core.loading",
    "phonehome.core.outbox",
    "phonehome.core.reporter",
    "phonehome.ports.board",
    "phonehome.ports.http",
    "phonehome.ports.stream",
    "phonehome_wire.decoder",
    "phonehome_wire.encoder",
}
# Of these, what a wake drops again at its end.
FORGOTTEN = {
    "phonehome.core.checks",
    "phonehome.core.loading",
    "phonehome_wire.decoder",
    "phonehome_wire.encoder",
}


class Appliance:
    """A freezer logger: a folder that stays, and a program that is started for each wake."""

    def __init__(self, interpreter, environment, folder, port, project) -> None:
        self._command = [interpreter, "-X", HEAP, project / "tests/fakes/asleep_main.py"]
        self._environment = environment
        self._folder = folder
        self.flash = folder / "flash"
        self.wall_ms = BEGUN_MS
        self.value = COLD
        product = load(project / "shared/products/freezer.toml")
        (folder / "freezer.ph").write_bytes(compile_device(product))
        (folder / "key").write_bytes(b"\x01" + KEY)
        self.settings = {
            "device": DEVICE.hex(),
            "server": f"http://127.0.0.1:{port}",
            "insecure": True,
            "key": str(folder / "key"),
            "data": str(folder / "flash"),
            "settle_ms": 0,
            "heartbeat_s": 3600,
            "product": str(folder / "freezer.ph"),
        }

    async def start(self):
        """Start the program at the time of the clock that goes on."""
        settings = {**self.settings, "value": self.value, "wall_ms": self.wall_ms}
        path = self._folder / "settings.json"
        path.write_text(json.dumps(settings))
        return await asyncio.create_subprocess_exec(
            *self._command,
            path,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def wake(self) -> dict:
        """One wake: what it told, by the name of the event; time passes until the next."""
        process = await self.start()
        said, _ = await process.communicate()
        assert process.returncode == EXIT_ASLEEP, said.decode()
        events = {event["event"]: event for event in map(json.loads, said.splitlines())}
        self.wall_ms = BEGUN_MS + events["asleep"]["uptime_ms"] + events["asleep"]["wait_ms"]
        return events


@pytest.fixture
async def served(serve):
    """A receiver."""
    return await serve()


@pytest.fixture
def appliance(micropython, micropython_environment, tmp_path, served, project):
    """An appliance that knows where the receiver is."""
    return Appliance(micropython, micropython_environment, tmp_path, served.port, project)


async def test_many_processes_are_one_boot(appliance, served):
    """A delay of 20 minutes counts over 20 programs; the fault goes out in the wake it ends."""
    await appliance.wake()
    appliance.value = WARM
    wakes = [await appliance.wake() for _ in range(25)]
    assert [number for number, events in enumerate(wakes) if "acked" in events] == [20]
    assert {report.boot for report in served.receiver.reports} == {1}
    confirmed = [
        (record.body[registry.FAULT_FMI], record.ms)
        for record in served.receiver.records(registry.RTYPE_FAULT)
        if record.body[registry.FAULT_KIND] == registry.KIND_CONFIRMED
    ]
    assert [(fmi, ms // MINUTE_MS) for fmi, ms in confirmed] == [(registry.FMI_ABOVE_SEVERE, 21)]
    assert len(served.receiver.records(registry.RTYPE_HELLO)) == 1


async def test_a_silent_wake_loads_no_agent(appliance):
    """Not the agent, no network, nothing that encodes or checks."""
    first = await appliance.wake()
    assert set(first["loaded"]["modules"]) >= LOUD - FORGOTTEN
    second = await appliance.wake()
    assert second["asleep"]["is_silent"]
    assert set(second["loaded"]["modules"]) & LOUD == set()


async def test_a_heartbeat_wakes_the_agent(appliance, served):
    """It comes when it is due, in the same boot, and the agent sleeps through the other wakes."""
    appliance.settings["heartbeat_s"] = 150
    wakes = [await appliance.wake() for _ in range(7)]  # each minute, and at 150 s
    assert [number for number, events in enumerate(wakes) if "acked" in events] == [0, 3, 6]
    beats = served.receiver.records(registry.RTYPE_HEARTBEAT)
    assert [record.ms // 150_000 for record in beats] == [0, 1, 2]  # none is early


async def test_a_program_that_is_killed_begins_a_boot(appliance, served):
    """What was kept is used up when the program has begun: no id is used twice."""
    appliance.settings["heartbeat_s"] = 60
    await appliance.wake()
    served.receiver.script = ["silent"]
    process = await appliance.start()
    async for line in process.stdout:
        if json.loads(line)["event"] == "sent":
            break
    process.kill()
    await process.communicate()
    served.receiver.script = []
    await appliance.wake()
    assert served.receiver.collisions == []
    assert [r.boot for r in served.receiver.records(registry.RTYPE_HELLO)] == [1, 2]


async def test_a_full_flash_does_not_keep_it_awake(appliance, tmp_path):
    """Where nothing beside the product can be written it is read and checked at each wake."""
    (tmp_path / "freezer.ph.checked").mkdir()
    await appliance.wake()
    events = await appliance.wake()
    assert events["asleep"]["is_silent"]
    assert "phonehome.agent" not in events["loaded"]["modules"]


def config_events(wakes):
    """(number of the wake, version, state) of what became of configurations."""
    found = [
        (number, events["config"]) for number, events in enumerate(wakes) if "config" in events
    ]
    return [(number, event["version"], event["state"]) for number, event in found]


async def test_a_configuration_is_tried_over_sleeps(appliance, served):
    """Taken in one wake, kept in another a minute later, and the next boot still has it."""
    appliance.settings.update(heartbeat_s=60, trial_s=300)
    receiver = served.receiver
    await appliance.wake()
    receiver.orders.append((1, registry.COMMAND_SET_CONFIG, {0: 7, 1: {HEARTBEAT: 150}}))
    taken = await appliance.wake()
    receiver.orders = []
    assert taken["config"]["state"] == "trial"
    wakes = [await appliance.wake() for _ in range(8)]
    ((number, version, state),) = config_events(wakes)
    assert (version, state) == (7, "kept")
    waited_ms = wakes[number]["asleep"]["uptime_ms"] - taken["asleep"]["uptime_ms"]
    assert 58_000 <= waited_ms < 70_000
    beats = [record.ms for record in receiver.records(registry.RTYPE_HEARTBEAT)]
    assert round((beats[-1] - beats[-2]) / 1000) == 150
    appliance.wall_ms += 10**10  # somebody took the battery out
    (appliance.flash / "asleep.bin").unlink()
    await appliance.wake()
    hello = receiver.records(registry.RTYPE_HELLO)[-1].body
    assert (hello[registry.HELLO_CONFIG_VERSION], len(receiver.records(registry.RTYPE_HELLO))) == (
        7,
        2,
    )


async def test_a_silent_receiver_ends_the_trial_of_a_sleeper(appliance, served):
    """It wakes for the end of the trial, is as before, and says so when it is heard again."""
    appliance.settings.update(heartbeat_s=60, trial_s=300)
    receiver = served.receiver
    await appliance.wake()
    receiver.orders.append((1, registry.COMMAND_SET_CONFIG, {0: 7, 1: {HEARTBEAT: 86400}}))
    receiver.on_report = lambda report: report.records or receiver.script.extend(["busy"] * 99)
    taken = await appliance.wake()
    assert taken["config"]["state"] == "trial"
    receiver.orders, receiver.on_report = [], None
    wakes = []
    while not config_events(wakes):
        wakes.append(await appliance.wake())
    assert config_events(wakes)[0][1:] == (0, "reverted")
    assert 300_000 <= wakes[-1]["asleep"]["uptime_ms"] - taken["asleep"]["uptime_ms"] < 310_000
    receiver.script = []
    while "acked" not in wakes[-1]:
        wakes.append(await appliance.wake())
    results = [record.body for record in receiver.records(registry.RTYPE_RESULT)]
    assert [body[registry.RESULT_STATUS] for body in results] == [registry.RESULT_OK]


async def test_a_sleeper_leaves_its_product_alone(appliance, served):
    """What silent wakes would not know of is refused, key by key."""
    appliance.settings["heartbeat_s"] = 60
    await appliance.wake()
    receiver, period = served.receiver, sensor_key(1)
    values = {HEARTBEAT: 90, period: 500, 7: "https://new.example"}
    receiver.orders.append((1, registry.COMMAND_SET_CONFIG, {0: 7, 1: values}))
    events = await appliance.wake()
    assert "config" not in events
    (body,) = [record.body for record in receiver.records(registry.RTYPE_RESULT)]
    unsupported = registry.PUSHED_UNSUPPORTED  # a computer does not start again by itself
    judged = {HEARTBEAT: 0, period: unsupported, 7: unsupported}
    assert body[registry.RESULT_VALUE] == judged


async def test_refusals_of_a_new_key_are_counted_over_sleeps(appliance, served, tmp_path):
    """One refusal a wake: the third leads back to the key that the receiver has."""
    (tmp_path / "key.next").write_bytes(b"\x02" + bytes(32))
    served.receiver.script = ["unknown"] * 3
    refused = []
    while len(refused) < 3:
        events = await appliance.wake()
        refused += [events] if events.get("backoff", {}).get("phase") == "refused" else []
    assert ["key" in events for events in refused] == [False, False, True]
    assert refused[2]["key"]["state"] == "returned"
    assert not (tmp_path / "key.next").exists()
    while "acked" not in events:
        events = await appliance.wake()
    assert len(served.receiver.records(registry.RTYPE_HELLO)) == 1
