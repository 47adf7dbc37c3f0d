"""What time it is, for everybody who is not told by an argument."""

import time


def now_ms() -> int:
    """Unix milliseconds UTC."""
    return time.time_ns() // 1_000_000
