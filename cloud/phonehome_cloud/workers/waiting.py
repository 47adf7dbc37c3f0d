"""How loops wait: for news, and for their turn."""

import asyncio
import contextlib


async def wait_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event, at most so long; whether it is set then."""
    # Not wait_for: on Python 3.11 it loses a cancellation that comes together with the event.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def at_once(_spent_s: float = 0.0) -> bool:
    """Give way to nobody."""
    return True
