"""Sensors at the console: what each reads now, once or every second."""

import asyncio

from .answer import Scaled, WordError

_PERIOD_S = 1
_LOOK_S = 0.1


def tell_sensors(hands, words: list, write):
    """A row for each sensor, or for those that are named; `watch` goes on until a key is hit."""
    is_watched = words[:1] == ["watch"]
    channels = hands.product.channels
    for name in words[is_watched:]:
        if name not in [channel.name for channel in channels]:
            names = ", ".join([channel.name for channel in channels])
            raise WordError("sensors %r: no such sensor; want one of %s" % (name, names))
    chosen = [c for c in channels if not words[is_watched:] or c.name in words[is_watched:]]
    if is_watched:
        return _watch(hands.agent.uptime, chosen, write)
    for channel in chosen:
        fields = (("value", Scaled(channel.value, channel.exp)), ("unit", channel.unit))
        seen = (("age_ms", channel.age_ms), ("missing", channel.errors))
        write.row("sensors", ("name", channel.name), *(fields + seen))
    return None


async def _watch(uptime, channels: list, write) -> None:
    """A line each second; in JSON each is an object of its own."""
    while True:
        values = [(c.name, Scaled(c.value, c.exp)) for c in channels]
        if write.is_json:
            write("uptime_ms", uptime.now_ms())
            for channel, (name, value) in zip(channels, values):  # noqa: B905  # no strict=
                fields = (("name", name), ("value", value), ("unit", channel.unit))
                write.row("sensors", *fields)
        else:
            write.line("  ".join(["%s=%s" % pair for pair in values]))
        write.again()  # whole, before others print
        for _ in range(int(_PERIOD_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            if write.is_called():
                return
