"""The demo's story: milestones in their order, what the appliances show, and the tickets."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from phonehome_tools.fleet.board import Event


@dataclass
class Milestone:
    """One step of the story: reached at some second of it, or not yet."""

    key: str
    text: str
    at_s: float | None = None
    detail: str = ""
    reached: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Seen:
    """What is known of one appliance right now."""

    link: str
    shown: Sequence[str]
    phase: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    waiting: int = 0
    sent: int = 0
    acked: int = 0
    last: str = ""

    def take(self, event: Event) -> None:
        """Learn from one event of the appliance's board."""
        if event.name == "state":
            self.phase = str(event.facts.get("phase", ""))
            values = event.facts.get("values", {})
            self.values = {name: values[name] for name in self.shown if name in values}
            self.waiting = int(event.facts.get("depth", 0))
        elif event.name == "sent":
            self.sent += 1
        elif event.name == "acked":
            self.acked += 1


class Story:
    """Milestones with the second at which each was reached; `lines` is what was told so far."""

    def __init__(self, milestones: Sequence[tuple[str, str]]) -> None:
        self.milestones = {key: Milestone(key, text) for key, text in milestones}
        self.seen: dict[str, Seen] = {}
        self.tickets: dict[str, Mapping[str, Any]] = {}
        self.address = ""
        self.token = ""
        self._start_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Seconds since the story began."""
        return time.monotonic() - self._start_s

    def reach(self, key: str, detail: str = "") -> Milestone | None:
        """Reach a milestone; None when it was reached before."""
        milestone = self.milestones[key]
        if milestone.reached.is_set():
            return None
        milestone.at_s = self.now_s
        milestone.detail = detail
        milestone.reached.set()
        return milestone

    def has(self, key: str) -> bool:
        """Whether a milestone was reached."""
        return self.milestones[key].reached.is_set()

    async def wait(self, key: str) -> None:
        """Wait until a milestone is reached."""
        await self.milestones[key].reached.wait()

    def first_missing(self) -> Milestone | None:
        """The milestone at which the story is, None when all are reached."""
        return next((m for m in self.milestones.values() if not m.reached.is_set()), None)
