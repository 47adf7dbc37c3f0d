"""The freeze ring: the newest rows of all channels, in memory that is allocated once."""

from array import array

from .channel import MISSING, Channel


class FreezeRing:
    """Rows of all channels every `period_ms`; the newest row stays open and holds what is newest.

    After `capture` it is the frame that the wire encodes (`period_ms`, `trigger`, `count`,
    `channel_count`, `channel_id`, `exp`, `sample`), valid until the next `advance`. Channels come
    in the order of their ids.
    """

    def __init__(self, channels: "list[Channel]", period_ms: int, samples: int) -> None:
        self.period_ms = period_ms
        self.trigger = 0
        self.count = 1
        self.channel_count = len(channels)
        self.wait_ms = period_ms
        self._channels = channels
        self._samples = samples
        self._newest = 0
        self._order = bytes(sorted(range(len(channels)), key=lambda index: channels[index].id))
        self._steps = array("i", bytes(4 * samples * len(channels)))
        self._fill(0, is_held=False)

    def put(self, index: int) -> None:
        """Note the newest value of a channel in the open row."""
        self._steps[self._newest * self.channel_count + index] = self._channels[index].value

    def advance(self, span_ms: int) -> bool:
        """Let time pass; True when a new row was opened.

        A new row holds the values that the channels have; rows of a time in which nobody looked
        are missing.
        """
        self.wait_ms -= span_ms
        if self.wait_ms > 0:
            return False
        skipped = min(-self.wait_ms // self.period_ms, self._samples)
        self.wait_ms = self.period_ms - (-self.wait_ms % self.period_ms)
        for _ in range(skipped):
            self._open(is_held=False)
        self._open(is_held=True)
        return True

    def capture(self) -> "FreezeRing":
        """Return the frame whose trigger is the open row: the samples before now, and now."""
        self.trigger = self.count - 1
        return self

    def channel_id(self, place: int) -> int:
        """Return the id of the channel at a place of the frame, ascending."""
        return self._channels[self._order[place]].id

    def exp(self, place: int) -> int:
        """Return the exponent of the channel at a place of the frame."""
        return self._channels[self._order[place]].exp

    def sample(self, place: int, number: int) -> int:
        """Return sample `number` (0 is the oldest) of the channel at a place, or MISSING."""
        row = (self._newest + 1 - self.count + number) % self._samples
        return self._steps[row * self.channel_count + self._order[place]]

    def _open(self, is_held: bool) -> None:
        self._newest = (self._newest + 1) % self._samples
        self.count = min(self.count + 1, self._samples)
        self._fill(self._newest, is_held)

    def _fill(self, row: int, is_held: bool) -> None:
        base = row * self.channel_count
        for index in range(self.channel_count):
            self._steps[base + index] = self._channels[index].value if is_held else MISSING
