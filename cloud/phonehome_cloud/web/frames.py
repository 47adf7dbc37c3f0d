"""Freeze frames for people: channels with names and units, samples as the numbers they mean."""

from collections.abc import Mapping
from typing import Any

import msgspec

from phonehome_product import Product


class FrameChannel(msgspec.Struct):
    """One channel of a freeze frame; a missing sample is null."""

    channel: int
    name: str
    title: str
    unit: str
    values: list[float | None]


class FreezeFrame(msgspec.Struct):
    """The samples around the moment a fault was confirmed; `trigger` is the index of that moment.

    `value` and `limit` are the fault's own channel at that moment and what it crossed, in its
    unit; null for rules that judge something else than the value itself, as a rate does.
    """

    event_at: int
    period_ms: int
    trigger: int
    fault_channel: int | None
    value: float | None
    limit: float | None
    channels: list[FrameChannel]


def scale(number: int | None, exp: int | None) -> float | None:
    """The value of number * 10**exp, rounded to the digits it has: 215 and -1 are 21.5."""
    if number is None:
        return None
    exp = exp or 0
    return float(number * 10**exp) if exp >= 0 else round(number / 10**-exp, -exp)


def name_channels(
    product: Product | None, catalog: Mapping[Any, Any] | None
) -> dict[int, tuple[str, str, str]]:
    """Channel -> (name, title, unit): the product's words, under what the device itself said."""
    sensors = product.sensors if product else ()
    names = {s.channel: (s.name, s.title, s.unit) for s in sensors}
    for channel, (name, unit) in (catalog or {}).items():
        known = names.get(int(channel))
        title = known[1] if known and known[0] == name else name
        names[int(channel)] = (name, title, unit)
    return names


def judges_values(product: Product | None, spn: int, fmi: int) -> bool:
    """Whether value and limit of a fault are on the scale of its sensor; they are unless known."""
    fault = product.find_fault(spn, fmi) if product else None
    return fault is None or fault.rule.kind == "range"


def show_frame(
    row: Mapping[Any, Any], names: Mapping[int, tuple[str, str, str]], *, on_scale: bool
) -> FreezeFrame:
    """The freeze frame of a row of fault_event; `on_scale` as judges_values says."""
    frame = row["frame"]
    value, limit = (row["value"], row["limit"]) if on_scale else (None, None)
    return FreezeFrame(
        event_at=row["event_at"],
        period_ms=frame["period_ms"],
        trigger=frame["trigger"],
        fault_channel=row["channel"],
        value=scale(value, row["exp"]),
        limit=scale(limit, row["exp"]),
        channels=[_show_channel(channel, names) for channel in frame["channels"]],
    )


def _show_channel(
    channel: Mapping[Any, Any], names: Mapping[int, tuple[str, str, str]]
) -> FrameChannel:
    number = channel["channel"]
    name, title, unit = names.get(number, (f"channel_{number}", f"Channel {number}", ""))
    values = [scale(sample, channel["exp"]) for sample in channel["samples"]]
    return FrameChannel(number, name, title, unit, values)
