"""What runs on the emulated Pico when something hangs: the washer's agent with a real watchdog."""

import asyncio
import time

import machine
from washing import SerialLink, Washing


def _start():
    washing = Washing(None, lambda hear: SerialLink(hear, is_plugged=False))
    washing.agent.config.watchdog_ms = 8000
    return washing, washing.agent


def stick(name):
    """A task that checks in and then hangs, while everything else goes on."""
    _, agent = _start()
    check = agent.watch(name, 3000)

    async def live():
        check.feed()
        await asyncio.Event().wait()  # never set

    agent.run(live())


def block():
    """A task of nobody's that does not let the loop run."""
    _, agent = _start()

    async def grind():
        while True:
            pass

    async def live():
        await asyncio.create_task(grind())

    agent.run(live())


def block_in_a_sensor():
    """A reader that does not come back."""
    _, agent = _start()
    agent.sensor("water_level", lambda: time.sleep(1000))
    agent.run()


def live():
    """A healthy life."""
    _, agent = _start()
    agent.run()


def live_for(seconds):
    """A healthy life with an end."""
    _, agent = _start()

    async def live():
        await agent.start()
        await asyncio.sleep(seconds)
        await agent.stop()

    asyncio.run(live())


def stop_soon():
    """A short life that ends cleanly."""
    live_for(3)


def tell_birth():
    """Why this boot started."""
    washing, agent = _start()
    cause, _, name = agent.reset_reason
    washing.tell("birth", cause=cause, reason=name, is_safe=agent.is_safe)


def work_for(seconds):
    """A life that begins with work which nothing interrupts."""
    washing, agent = _start()

    async def live():
        await agent.start()
        time.sleep(seconds)  # noqa: ASYNC251 - what is not to be done
        washing.tell("worked")
        await agent.stop()

    asyncio.run(live())


def die_young():
    """A boot that resets itself and says nothing."""
    _, agent = _start()

    async def live():
        machine.reset()

    agent.run(live())
