"""One trial: a fleet speaks, everything behind it is killed, and the books are compared."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.survival.books import Books, compare
from tests.survival.device import Device
from tests.survival.fleet import Fleet
from tests.survival.lanes import HTTPWay, Postbox, Way, drive
from tests.survival.receiver_main import EARLY
from tests.survival.site import Site, site

HTTP_LANES = 48
MQTT_LANES = 16
LOOK_S = 1.0


@dataclass(frozen=True)
class Plan:
    """`early` makes receivers that answer before they commit: the control, which must lose."""

    reports: int = 1_000_000
    store: str = "sqlite"
    receivers: int = 1
    devices: int = 400
    pace: int = 5000  # reports between two murders, and between two deaths at a step
    seed: int = 1
    with_broker: bool = True
    early: bool = False


@dataclass(frozen=True)
class Trial:
    """What happened and what is left of it."""

    counts: Counter[str]
    deaths: Counter[str]
    books: Books
    pubacks: Counter[str]  # told to the broker, of them lies, and what it delivered again
    took_s: float

    @property
    def is_kept(self) -> bool:
        """Whether every promise was kept."""
        return self.books.is_balanced and not self.pubacks["lies"]


Note = Callable[[str], None]


async def run_trial(plan: Plan, folder: Path, note: Note) -> Trial:
    """Run it to its end; raises ChildError when a part cannot be brought back to life."""
    rng = random.Random(plan.seed)
    fleet = Fleet([Device(n, rng) for n in range(plan.devices)], plan.reports, rng)
    began_s = time.monotonic()
    async with site(
        folder,
        plan.store,
        plan.receivers,
        with_broker=plan.with_broker,
        pace=plan.pace,
        rng=rng,
    ) as place:
        await place.register(fleet.devices)
        for receiver in place.receivers:
            receiver.expose(EARLY if plan.early else "")
            receiver.kill()
        async with asyncio.TaskGroup() as group:
            haunting = place.haunt(lambda: fleet.acked, plan.pace, rng)
            around = [group.create_task(haunting), group.create_task(_tell(fleet, place, note))]
            await _speak(fleet, place, rng)
            for task in around:
                task.cancel()
        note("everything is acknowledged; comparing")
        await asyncio.gather(*(receiver.spare() for receiver in place.receivers))
        books = await asyncio.to_thread(compare, place.store_url, fleet.devices)
        took_s = time.monotonic() - began_s
        return Trial(fleet.counts, _deaths(place), books, _pubacks(place), took_s)


async def _speak(fleet: Fleet, place: Site, rng: random.Random) -> None:
    """All lanes, until the fleet has nothing left to say; with the last ack the receivers die."""
    ways: list[Way] = [HTTPWay(place.ports, rng) for _ in range(HTTP_LANES)]
    lanes = list(ways)
    if place.broker is not None:
        ways.append(Postbox(place.broker.port))
        lanes += ways[-1:] * MQTT_LANES
    try:
        async with asyncio.TaskGroup() as group:
            for way in lanes:
                group.create_task(drive(fleet, way))
        for receiver in place.receivers:
            receiver.kill()
    finally:
        for way in ways:
            await way.close()


async def _tell(fleet: Fleet, place: Site, note: Note) -> None:
    """How far it is, now and then."""
    while True:
        await asyncio.sleep(LOOK_S)
        deaths = sum(_deaths(place).values())
        note(f"{fleet.acked} reports acknowledged, {fleet.waiting} records wait, {deaths} deaths")


def _pubacks(place: Site) -> Counter[str]:
    return Counter(
        told=sum(spy.told for spy in place.spies),
        repeated=sum(spy.repeated for spy in place.spies),
        lies=sum(len(spy.lies) for spy in place.spies),
    )


def _deaths(place: Site) -> Counter[str]:
    return sum((receiver.deaths for receiver in place.receivers), place.deaths.copy())
