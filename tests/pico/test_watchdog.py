"""A real watchdog on real firmware: who hung is known, and Ctrl-C always gets in."""

import asyncio
import json

import aiohttp

from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_wire import registry
from tests.pico.conftest import last
from tests.pico.test_serial_line import Gateway, records_of

HANGS = {
    "hanging.stick('pump')": "pump",
    "hanging.block()": "grind",
    "hanging.block_in_a_sensor()": "sample",
}
# Longer than the watchdog of an RP2040 can wait.
WORK = "import time; time.sleep(12); print('worked')"
BIRTH = "import hanging; hanging.tell_birth()"


def start(pico, script):
    """Run a script of hanging.py until the watchdog bites."""
    return pico.run_until_gone(f"import hanging; {script}")


async def test_the_stuck_task_is_named(receiver, washer):
    """A late task, a busy one and a sensor that hangs; then the application stays off."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    async with aiohttp.ClientSession() as session:
        gateway = Gateway(receiver.http, session)
        with PicoBoard(settings.pico(), image) as pico:
            for script in HANGS:
                await asyncio.to_thread(start, pico, script)
            script = "import washing; washing.hand_over()"
            told = await asyncio.to_thread(pico.converse, script, gateway.answer)
    records = sorted(records_of(gateway, washer), key=lambda record: (record.boot, record.seq))
    crashes = [r.body for r in records if r.rtype == registry.RTYPE_CRASH]
    bitten = [c for c in crashes if c[registry.CRASH_KIND] == registry.CRASHKIND_WATCHDOG]
    assert [crash[registry.CRASH_EXCEPTION] for crash in bitten] == list(HANGS.values())
    assert {crash[registry.CRASH_RESET_CAUSE] for crash in bitten} == {registry.RESET_WATCHDOG}
    (loop,) = [c for c in crashes if c[registry.CRASH_KIND] == registry.CRASHKIND_BOOT_LOOP]
    assert loop[registry.CRASH_EXCEPTION] == "sample"
    hellos = [r.body for r in records if r.rtype == registry.RTYPE_HELLO]
    named = [hello.get(registry.HELLO_RESET_NAME) for hello in hellos]
    assert named == list(HANGS.values())  # the first boot died before it was written
    assert {h[registry.HELLO_RESET_CERTAINTY] for h in hellos} == {registry.CERTAINTY_SURE}
    assert hellos[-1][registry.HELLO_DEAD_BOOTS] == last(told, "safe")["died"] == 3
    assert last(told, "state")["reads"] == 0


def test_ctrl_c_gets_in_for_a_bounded_time(washer):
    """With the watchdog on, the prompt does 12 s of work, and ten minutes later life goes on."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    with PicoBoard(settings.pico(), image) as pico:
        pico.interrupt("import hanging; hanging.live()", '"backoff"')
        assert pico.run(WORK) == ["worked"]
        assert pico.run(WORK) == ["worked"]
        pico.run_until_gone("import time; time.sleep(700)")
        (birth,) = [json.loads(line) for line in pico.run(BIRTH)]
        assert birth["cause"] == registry.RESET_COMMANDED
        assert (birth["reason"], birth["is_safe"]) == ("service over", False)
        start(pico, "hanging.work_for(20)")  # it is on duty again, and bites


def test_a_reset_in_service_starts_without_a_watchdog(washer):
    """Interrupted and reset at once: for ten minutes nothing bites there either."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    with PicoBoard(settings.pico(), image) as pico:
        pico.interrupt("import hanging; hanging.live()", '"backoff"')
        pico.run_until_gone("import machine; machine.reset()")
        (birth,) = [json.loads(line) for line in pico.run(BIRTH)]
        assert birth["cause"] == registry.RESET_COMMANDED
        assert birth["reason"] == "service 10"
        told = pico.run("import hanging; hanging.work_for(20)")
        assert last(told, "worked")


def test_a_clean_end_leaves_a_prompt(washer):
    """An agent that was stopped leaves no watchdog behind."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    with PicoBoard(settings.pico(), image) as pico:
        pico.run("import hanging; hanging.stop_soon()")
        assert pico.run(WORK) == ["worked"]


def test_a_long_life_is_not_bitten(washer):
    """A minute and a half with nobody to talk to: no reset, and the boot is healthy."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    with PicoBoard(settings.pico(), image) as pico:
        told = pico.run("import hanging; hanging.live_for(90)", within_s=150)
        assert last(told, "healthy")


def test_the_application_is_tried_again(washer):
    """Three boots die young, the fourth stays without the application and resets in 5 minutes."""
    image = washer.image(settings.pico(), server="http://10.0.0.1:1")
    with PicoBoard(settings.pico(), image) as pico:
        for _ in range(3):
            start(pico, "hanging.die_young()")
        (birth,) = [json.loads(line) for line in pico.run(BIRTH)]
        assert birth["is_safe"]
        told = start(pico, "hanging.live()")
        assert (last(told, "safe")["died"], last(told, "safe")["wait_ms"]) == (3, 300000)
        (birth,) = [json.loads(line) for line in pico.run(BIRTH)]
        assert (birth["is_safe"], birth["reason"]) == (False, "retry")
