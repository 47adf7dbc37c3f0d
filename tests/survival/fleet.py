"""All appliances, what they have to say, and the mischief that happens to their reports."""

import random
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from tests.survival.device import Device

# How often something happens to a report, of a hundred.
TWIN, REPLAY, HELD, REBOOT, BURST = 3, 3, 2, 1, 5
BURST_RECORDS = 20
HELD_REPORTS = 50  # a report is held back until so many others were


@dataclass(frozen=True, slots=True)
class Errand:
    """One report to deliver; a stray one is a copy, and its device does not wait for it."""

    device: Device
    report: bytes
    is_stray: bool = False


class Fleet:
    """Hands out reports until `wanted` of them are acknowledged and every outbox is empty.

    `counts` says what happened to how many reports.
    """

    def __init__(self, devices: Sequence[Device], wanted: int, rng: random.Random) -> None:
        self.devices = devices
        self.counts: Counter[str] = Counter()
        self._wanted = wanted
        self._rng = rng
        self._idle = deque(devices)
        self._strays: list[Errand] = []
        self._held: deque[Errand] = deque()

    @property
    def acked(self) -> int:
        """Reports that got a signed ack, each as often as it was sent."""
        return self.counts["acked"]

    @property
    def waiting(self) -> int:
        """Records that wait for an ack."""
        return sum(len(device.waiting) for device in self.devices)

    @property
    def is_over(self) -> bool:
        """Whether enough was acknowledged, and nothing is left to say."""
        is_busy = len(self._idle) < len(self.devices) or self._strays or self._held
        return self._is_draining and not is_busy and not self.waiting

    def take(self) -> Errand | None:
        """A report to deliver; None when there is nothing to say at the moment."""
        if self._is_draining:
            self._strays += self._held
            self._held.clear()
        if self._strays and self._rng.random() < 0.5:
            return self._take_stray()
        for _ in range(len(self._idle)):
            device = self._idle.popleft()
            if not self._is_draining:
                self._live(device)
            if device.waiting:
                return self._compose(device)
            self._idle.append(device)
        return self._take_stray() if self._strays else None

    def settle(self, errand: Errand, answer: bytes) -> None:
        """The end of an errand; without a signed ack its records are said again."""
        is_acked = errand.device.hear(answer)
        self.counts["acked" if is_acked else "unanswered"] += 1
        if not errand.is_stray:
            self._idle.append(errand.device)

    @property
    def _is_draining(self) -> bool:
        return self.acked >= self._wanted

    def _live(self, device: Device) -> None:
        """One more transition, or many; sometimes a new boot before them."""
        if self._happens(REBOOT):
            device.reboot()
            self.counts["reboots"] += 1
        device.happen(BURST_RECORDS if self._happens(BURST) else 1)

    def _compose(self, device: Device) -> Errand:
        """The device's next report, and what else flies because of it."""
        if device.past and self._happens(REPLAY):
            self._stray("replays", device, self._rng.choice(device.past))
        report = device.compose()
        if self._happens(TWIN):
            self._stray("twins", device, report)
        if self._happens(HELD):
            self.counts["late"] += 1
            self._held.append(Errand(device, report, is_stray=True))
            if len(self._held) > HELD_REPORTS:
                self._strays.append(self._held.popleft())
        return Errand(device, report)

    def _stray(self, kind: str, device: Device, report: bytes) -> None:
        self.counts[kind] += 1
        self._strays.append(Errand(device, report, is_stray=True))

    def _take_stray(self) -> Errand:
        """Any of them: the order is lost on purpose."""
        at = self._rng.randrange(len(self._strays))
        self._strays[at], self._strays[-1] = self._strays[-1], self._strays[at]
        return self._strays.pop()

    def _happens(self, of_hundred: int) -> bool:
        return self._rng.random() * 100 < of_hundred
