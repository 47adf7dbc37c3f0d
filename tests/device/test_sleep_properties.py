# cpython-only
"""Ten thousand sleeps with everything that can go wrong between them."""

import os
import random

import pytest

from phonehome_wire import registry
from tests.fakes.battery import DeskLink, World, leak_product

SLEEPS = 10_000
MINUTE_MS = 60_000


class PowerCut(BaseException):
    """The battery was taken out while the board was awake."""


class Misfortune:
    """What happens to an appliance, drawn anew for each wake."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._draw = random.Random(seed)
        self.losses = self.cuts = 0

    def strike(self) -> None:
        world, draw = self._world, self._draw
        if draw.random() < 0.02:
            world.kept = b""
            self.losses += 1
        elif draw.random() < 0.005 and world.kept:
            at = draw.randrange(len(world.kept))
            world.kept = world.kept[:at] + bytes([world.kept[at] ^ 1]) + world.kept[at + 1 :]
            self.losses += 1
        if draw.random() < 0.03:
            world.is_online = not world.is_online
        world.loses_acks = draw.random() < 0.1
        if draw.random() < 0.1:
            world.value = draw.choice([20, 20, 60, None])

    def cuts_power(self) -> bool:
        self.cuts += 1
        return self._draw.random() < 0.05


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    """An appliance whose flash needs no sync."""
    monkeypatch.setattr(os, "sync", lambda: None)
    return World(str(tmp_path), lambda: leak_product(off_delay_ms=MINUTE_MS), period_s=60)


@pytest.mark.parametrize("seed", [1, 2])
def test_no_id_is_used_twice_and_no_fault_is_lost(world, monkeypatch, seed):
    """Whatever was lost: ids are unique, every transition is stored once, counts are exact."""
    misfortune = Misfortune(world, seed)
    send = DeskLink.send

    async def send_or_die(link, view):
        if misfortune.cuts_power():
            raise PowerCut
        await send(link, view)

    monkeypatch.setattr(DeskLink, "send", send_or_die)
    for _ in range(SLEEPS // 2):
        misfortune.strike()
        try:
            world.wake()
        except PowerCut:
            world.pass_time(MINUTE_MS)
    world.is_online, world.loses_acks, world.value = True, False, 20
    monkeypatch.setattr(DeskLink, "send", send)
    for _ in range(120):
        world.wake()
    told = [event["kind"] for event in world.events if event["event"] == "transition"]
    assert misfortune.losses > 50
    assert told.count(registry.KIND_CONFIRMED) > 20
    assert world.desk.collisions == []
    bodies = [record.body for record in world.desk.records(registry.RTYPE_FAULT)]
    stored = [body.get(registry.FAULT_KIND, 0) for body in bodies]
    dropped = [event for event in world.events if event["event"] == "dropped"]
    assert {event["kind"] for event in dropped} <= {"heartbeat"}
    assert sorted(stored) == sorted(told)
    confirmed = [
        body[registry.FAULT_OCCURRENCE]
        for body in bodies
        if body.get(registry.FAULT_KIND, 0) == registry.KIND_CONFIRMED
    ]
    assert confirmed == [min(number, 126) for number in range(1, len(confirmed) + 1)]
