"""Noise from a seed: the same on every interpreter, because every step is integer arithmetic."""

_MASK = 0xFFFFFFFF
_SCATTER = 0x9E3779B9  # so that neighbouring seeds start far apart
_UNIT = 32768


class Noise:
    """Marsaglia's xorshift of 32 bits."""

    def __init__(self, seed: int) -> None:
        self._state = ((seed + 1) * _SCATTER & _MASK) or 1

    def draw(self) -> int:
        """Return the next 32 bits."""
        state = self._state
        state ^= state << 13 & _MASK
        state ^= state >> 17
        state ^= state << 5 & _MASK
        self._state = state
        return state

    def spread(self, amplitude: float) -> float:
        """Return a number between -amplitude and amplitude, more often near zero than far."""
        bits = self.draw()
        return amplitude * ((bits & 32767) + (bits >> 16 & 32767) - _UNIT) / _UNIT
