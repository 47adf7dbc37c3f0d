"""The job sheet: what a technician has to know at the door, as a page and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = " "
_WIDTH: Final = 72


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A part that is needed: pieces, how many lie in the technician's van, and in the depot free
    or kept for this visit.
    """

    part: str
    title: str
    count: int
    in_van: int
    in_depot: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """Times are unix ms, shown on the clock of `zone`.

    `causes` are (title, probability), most likely first; `history` are (at, what), newest first;
    `frame` is as core.transitions.read_frame writes it, with `channels` for its names.
    """

    visit: str
    technician: str
    start_at: int
    end_at: int
    zone: str
    appliance: str
    serial: str
    fault: str
    code: str
    owner: str
    phone: str
    address: str
    skills: Sequence[str]
    parts: Sequence[SheetPart]
    causes: Sequence[tuple[str, float]]
    history: Sequence[tuple[int, str]]
    frame: Mapping[str, Any] | None = None
    channels: Mapping[int, tuple[str, str]] | None = None


def write_text(sheet: Sheet) -> str:
    """The sheet as plain text, for paper: everything but the links."""
    when = f"{_moment(sheet.start_at, sheet.zone)} - {_moment(sheet.end_at, sheet.zone)[-5:]}"
    blocks = [
        [f"JOB {sheet.visit}", f"{when} ({sheet.zone})", f"Technician: {sheet.technician}"],
        [sheet.owner, *sheet.address.splitlines(), sheet.phone],
        [
            f"{sheet.appliance}, serial {sheet.serial or 'unknown'}",
            f"{sheet.fault} ({sheet.code})",
        ],
        ["Likely causes:", *(f"  {p:4.0%}  {title}" for title, p in sheet.causes)],
        ["Skills: " + (", ".join(sheet.skills) or "none in particular")],
        ["Parts:", *(_part(part) for part in sheet.parts)],
        ["Before the fault, each channel from its least to its greatest:", *_frame(sheet)],
        ["History:", *(f"  {_moment(at, sheet.zone)}  {what}" for at, what in sheet.history)],
    ]
    kept = ([line[:_WIDTH] for line in block if line] for block in blocks)
    return "\n\n".join("\n".join(block) for block in kept if len(block) > 1 or _stands(block))


def _stands(block: Sequence[str]) -> bool:
    """Whether a block of one line says something by itself: headings do not."""
    return bool(block) and not block[0].endswith(":")


def _part(part: SheetPart) -> str:
    return f"  {part.count} x {part.part} {part.title} (van {part.in_van}, depot {part.in_depot})"


def _frame(sheet: Sheet) -> list[str]:
    if sheet.frame is None:
        return []
    return [_line(one, sheet.channels or {}) for one in sheet.frame["channels"]]


def _line(channel: Mapping[str, Any], names: Mapping[int, tuple[str, str]]) -> str:
    title, unit = names.get(channel["channel"], (f"channel {channel['channel']}", ""))
    known = [sample for sample in channel["samples"] if sample is not None]
    if not known:
        return f"  {title}: no samples"
    low, high, scale = min(known), max(known), 10.0 ** channel["exp"]
    bars = "".join(_bar(sample, low, high) for sample in channel["samples"])
    return f"  {bars}  {low * scale:g} to {high * scale:g} {unit}  {title}"


def _bar(sample: int | None, low: int, high: int) -> str:
    if sample is None:
        return _GAP
    return _BARS[(sample - low) * (len(_BARS) - 1) // ((high - low) or 1)]


def _moment(at: int, zone: str) -> str:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
