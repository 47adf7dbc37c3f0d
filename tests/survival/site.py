"""The site that is haunted: receivers, a database, a broker, and somebody who kills them."""

import asyncio
import contextlib
import random
import secrets
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import TOKEN_VARIABLE, Desk
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_tools.fleet.postgresql import PostgreSQL
from tests.cloud.brokers import Mosquitto
from tests.survival.device import Device
from tests.survival.lives import ReceiverLife
from tests.survival.spying import Archivist, Spy

ROOT = Path(__file__).parents[2]
PRODUCT = "washer"
WIRE = "wire to Mosquitto"
REGISTERING = 16  # at once
LOOK_S = 0.02
AWAY_S = 0.5  # at most, between a death and the next life


@dataclass
class Site:
    """What runs; `deaths` counts those that the receivers do not count themselves."""

    receivers: Sequence[ReceiverLife]
    postgresql: PostgreSQL | None
    broker: Mosquitto | None
    spies: Sequence[Spy]  # one for each receiver that hears a broker
    store_url: str
    token: str
    deaths: Counter[str] = field(default_factory=Counter)

    @property
    def ports(self) -> list[int]:
        """Where the receivers listen, in all their lives."""
        return [receiver.port for receiver in self.receivers]

    async def register(self, devices: Sequence[Device]) -> None:
        """Make the devices and their keys known."""
        limit = asyncio.Semaphore(REGISTERING)
        async with Desk(f"http://127.0.0.1:{self.ports[0]}", self.token) as desk:

            async def add(device: Device) -> None:
                async with limit:
                    await desk.add_device(device.name, PRODUCT, "", device.key)

            await asyncio.gather(*(add(device) for device in devices))

    async def haunt(self, progress: Callable[[], int], pace: int, rng: random.Random) -> None:
        """Kill somebody about every `pace` reports, until cancelled; everybody comes back.

        `progress()` is how many reports were acknowledged: on a slow machine all takes longer.
        """
        victims = ["receiver"] * 2 + ["PostgreSQL"] * bool(self.postgresql)
        victims += ["Mosquitto", WIRE] if self.broker else []
        victim = WIRE if self.broker else "receiver"  # of each trial some report comes twice
        due = progress() + pace
        while True:
            while progress() < due:  # noqa: ASYNC110 - a number, that nobody announces
                await asyncio.sleep(LOOK_S)
            if victim == "receiver":
                rng.choice(self.receivers).kill()
            elif victim == WIRE:
                self.deaths[WIRE] += 1
                rng.choice(self.spies).cut_next()
            else:
                self.deaths[victim] += 1
                await asyncio.shield(self._kill_server(victim, rng.uniform(0, AWAY_S)))
            victim = rng.choice(victims)
            due = progress() + rng.expovariate(1 / pace)

    async def _kill_server(self, victim: str, away_s: float) -> None:
        if victim == "Mosquitto" and self.broker is not None:
            await self.broker.kill()
            await asyncio.sleep(away_s)
            await self.broker.start()
        elif self.postgresql is not None:
            await asyncio.to_thread(self.postgresql.stop, signal.SIGKILL)
            await asyncio.sleep(away_s)
            await asyncio.to_thread(self.postgresql.start)


@contextlib.asynccontextmanager
async def site(
    folder: Path, store: str, receivers: int, *, with_broker: bool, pace: int, rng: random.Random
) -> AsyncIterator[Site]:
    """A running site; `store` is sqlite or postgresql. Its receivers do not die by themselves."""
    async with contextlib.AsyncExitStack() as stack:
        children = await stack.enter_async_context(Children())
        postgresql = None
        url = f"sqlite:///{folder / 'receiver.db'}"
        if store == "postgresql":
            postgresql = await asyncio.to_thread(stack.enter_context, PostgreSQL())
            url = postgresql.url()
        broker = None
        if with_broker:
            broker = Mosquitto(folder)
            await broker.start()
            stack.push_async_callback(broker.stop)
        archivist = Archivist(url)
        stack.callback(archivist.close)
        spies: list[Spy] = []
        seen: set[bytes] = set()
        token = secrets.token_urlsafe(24)
        environment = environment_of(token)
        settings = f'[store]\nurl = "{url}"\n'
        lives = []
        for n in range(receivers):
            reads = ""
            if broker is not None:
                spy = Spy(broker.port, archivist, is_version_5=True, seen=seen)
                spies.append(await stack.enter_async_context(spy.listening()))
                reads = _reads(spy, n)
            home = folder / f"receiver{n}"
            lives.append(ReceiverLife(home, settings + reads, environment, rng, pace))
        async with asyncio.TaskGroup() as group:
            tasks = []
            for life in lives:  # the first one makes the schema
                tasks.append(group.create_task(life.run(children)))
                await life.is_up.wait()
            yield Site(lives, postgresql, broker, spies, url, token)
            for task in tasks:
                task.cancel()


def environment_of(token: str) -> dict[str, str]:
    """What a receiver process of ours finds in its environment."""
    return {
        **python_environment(),
        "PYTHONPATH": str(ROOT),
        TOKEN_VARIABLE: token,
        "PHONEHOME_MASTER_KEY": secrets.token_hex(32),
    }


def _reads(spy: Spy, n: int) -> str:
    """The receivers of a site share what comes by the broker."""
    return f'[mqtt]\nurl = "{spy.url}"\nshare = "receivers"\nclient_id = "receiver-{n}"\n'
