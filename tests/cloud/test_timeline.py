"""The database picks the bounds that decide when something happened, as the core would."""

import random

import pytest

from phonehome_cloud.core.anchoring import (
    BOUNDS_KEPT,
    CARRIED,
    LOWER,
    UPPER,
    BootBounds,
    not_later,
    place,
)
from phonehome_cloud.store import schema
from phonehome_cloud.store.sessions import Timeline, load_seen
from tests.fakes.store import START_AT, StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

DEVICE, INC = "a4cf12fffe000001", "00000001"
HOUR_MS = 3_600_000
BOOTS = 8  # the even ones spoke


@pytest.fixture
def store(tmp_path):
    """An empty database."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


def draw_bounds(chance):
    """{boot: {kind: bounds}}: clocks that drift, are set back, or were only carried."""
    return {
        boot: {
            kind: [
                (at := chance.randrange(0, 400 * HOUR_MS), START_AT + at + chance.randrange(-9, 9))
                for _ in range(chance.choice((0, 1, BOUNDS_KEPT)))
            ]
            for kind in ((UPPER, LOWER, CARRIED) if boot % 2 == 0 else (CARRIED,))
        }
        for boot in range(1, BOOTS)
    }


def write(connection, bounds):
    """A device with these boots."""
    connection.execute(schema.device.insert().values(device=DEVICE, created_at=START_AT))
    for boot, kinds in bounds.items():
        of_boot = {"device": DEVICE, "inc": INC, "boot": boot}
        if boot % 2 == 0:
            seen = dict.fromkeys(("inc_seen_at", "first_seen_at", "last_seen_at"), START_AT)
            row = {**of_boot, **seen, "newest": False, "last_now_ms": boot * HOUR_MS, "build": ""}
            connection.execute(schema.session.insert().values(row))
        for kind, pairs in kinds.items():
            for slot, (at, utc) in enumerate(pairs):
                of_bound = {"kind": kind, "slot": slot, "device_ms": at, "utc_ms": utc}
                connection.execute(schema.anchor.insert().values(**of_boot, **of_bound))


def expected(bounds, boot, ms):
    """By the core alone, which is given all of them."""

    def known(of_boot):
        kinds = bounds.get(of_boot)
        return kinds and BootBounds(kinds[UPPER], kinds[LOWER], of_boot * HOUR_MS)

    latest = not_later(ms, START_AT, bounds[boot][CARRIED])
    if boot % 2 == 0:
        return place(ms, latest, known(boot), None, None)
    return place(ms, latest, None, known(boot - 1), known(boot + 1))


@pytest.mark.parametrize("seed", range(4))
async def test_the_bounds_that_decide_are_those_of_the_core(store, seed):
    """Every event of every boot has the time that it has with all bounds read one by one."""
    chance = random.Random(seed)
    bounds = draw_bounds(chance)
    await store.database.write(write, bounds)
    events = {
        (DEVICE, INC, boot, chance.choice((0, chance.randrange(0, 500 * HOUR_MS))))
        for boot in bounds
        for _ in range(20)
    }

    def read(connection):
        timeline = Timeline(connection, {event[:3] for event in events})
        seen = load_seen(connection, events)
        return {event: timeline.place(event, seen[event], START_AT) for event in events}

    found = await store.database.read(read)
    assert found == {event: expected(bounds, *event[2:]) for event in events}
    assert len({time.quality for time in found.values()}) > 2
