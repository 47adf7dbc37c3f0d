"""A freeze frame made of lists, as the encoder wants to see one."""

from phonehome_wire.series import MISSING


class FakeFrame:
    """Channels as {id: (exp, samples)}; None is a missing sample."""

    def __init__(self, channels, period_ms=250, trigger=0):
        self.period_ms = period_ms
        self.trigger = trigger
        self.ids = sorted(channels)
        self.channels = channels
        self.channel_count = len(self.ids)
        self.count = len(channels[self.ids[0]][1])

    def channel_id(self, i):
        """Wire id of channel number i."""
        return self.ids[i]

    def exp(self, i):
        """Exponent of channel number i."""
        return self.channels[self.ids[i]][0]

    def sample(self, i, j):
        """Sample j of channel i."""
        value = self.channels[self.ids[i]][1][j]
        return MISSING if value is None else value


def noisy_frame(channels=8, samples=16, trigger=9, amplitude=40):
    """A frame as a board takes it: noise of a fixed seed, and a ramp in channel 1."""
    state = 12345
    rows = {}
    for channel in range(channels):
        row = []
        for j in range(samples):
            state = (state * 1103515245 + 12345) % 2147483648
            ramp = 60 * max(0, j - trigger + 7) if channel == 1 else 0
            row.append(1000 * channel + state // 65536 % amplitude + ramp)
        rows[channel] = (-2, row)
    return FakeFrame(rows, 250, trigger)
