"""The job sheet: what a technician has to know at the door, as a page and on paper."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from textwrap import wrap
from typing import Any, Final
from zoneinfo import ZoneInfo

from phonehome_cloud.core.acting.price_words import tell_technician

from .past import Past, Say
from .sheet_words import words_of

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = " "
# A4 with margins of 2 cm in a fixed width of 10 points holds 80 by 70: some room for what a
# mail program prints around it.
_WIDTH: Final = 72
_PAGE_LINES: Final = 60
_LEAST_HISTORY: Final = 12  # lines that it has in any case, on the next page then


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

    `causes` are (title, probability), most likely first; `history` is newest first, and `older`
    says how many more there were; `frame` is as core.transitions.read_frame writes it, with
    `channels` for its names. `words` are titles of the product file by language and title;
    `terms` are what the owner agreed to pay (core.acting.pricing).
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
    history: Sequence[Past]
    terms: Mapping[str, Any]
    older: int = 0
    frame: Mapping[str, Any] | None = None
    channels: Mapping[int, tuple[str, str]] | None = None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def write_text(sheet: Sheet, language: str) -> str:
    """The sheet as plain text, for paper: everything but the links, in the reader's language.

    It is one page of A4 unless what has to be known takes more; the history gets what is left.
    """
    t, said = words_of(language), sheet.words.get(language, {})

    def say(title: str) -> str:
        return said.get(title, title)

    serial = f"{t['serial']} {sheet.serial or t['unknown_serial']}"
    blocks = [
        [f"{t['job']} {sheet.visit}", _when(sheet, t), f"{t['technician']}: {sheet.technician}"],
        [sheet.owner, *sheet.address.splitlines(), sheet.phone],
        [f"{say(sheet.appliance)}, {serial}", f"{say(sheet.fault)} ({sheet.code})"],
        _headed(t["causes"], [f"  {p:4.0%}  {say(title)}" for title, p in sheet.causes]),
        [f"{t['skills']}: {', '.join(sheet.skills)}" if sheet.skills else ""],
        _headed(t["parts"], [_part(part, t, say) for part in sheet.parts]),
        _price(sheet, language, say),
        _headed(t["before_paper"], _frame(sheet, t, say)),
    ]
    text = "\n\n".join("\n".join(kept) for block in blocks if (kept := _fold(block)))
    room = _PAGE_LINES - text.count("\n") - 3  # with the empty line and the heading before it
    history = _headed(t["history"], _history(sheet, language, say, max(room, _LEAST_HISTORY)))
    return "\n\n".join([text, "\n".join(history)]) if history else text


def _price(sheet: Sheet, language: str, say: Say) -> list[str]:
    """The same amounts that the owner has agreed to."""
    told = tell_technician(sheet.terms, language, say)
    return [told.head, *(f"  {line}" for line in told.lines)]


def _headed(heading: str, lines: Sequence[str]) -> list[str]:
    return [f"{heading}:", *lines] if lines else []


def _fold(lines: Iterable[str], indent: str = "      ") -> list[str]:
    """Lines that fit, each as many as it takes; nothing is cut."""
    return [part for line in lines for part in wrap(line, _WIDTH, subsequent_indent=indent)]


def _history(sheet: Sheet, language: str, say: Say, room: int) -> list[str]:
    """The newest that there is room for, each whole, and how many more there are."""
    t = words_of(language)
    lines: list[str] = []
    for index, past in enumerate(sheet.history):
        entry = f"  {_moment(past.at, sheet.zone, t)}  {past.tell(language, say)}"
        folded = _fold([entry], " " * 6)
        is_last = index + 1 == len(sheet.history) and not sheet.older
        if lines and len(lines) + len(folded) + (not is_last) > room:
            return [*lines, _older(t, len(sheet.history) - index + sheet.older)]
        lines += folded
    return [*lines, _older(t, sheet.older)] if sheet.older else lines


def _older(t: Mapping[str, str], count: int) -> str:
    return "  " + t["more"].format(count=count)


def _when(sheet: Sheet, t: Mapping[str, str]) -> str:
    until = _moment(sheet.end_at, sheet.zone, t)[-5:]
    return f"{_moment(sheet.start_at, sheet.zone, t)} - {until} ({sheet.zone})"


def _part(part: SheetPart, t: Mapping[str, str], say: Say) -> str:
    lie = f"{t['van']} {part.in_van}, {t['depot']} {part.in_depot}"
    return f"  {part.count} x {part.part} {say(part.title)} ({lie})"


def _frame(sheet: Sheet, t: Mapping[str, str], say: Say) -> list[str]:
    if sheet.frame is None:
        return []
    names = sheet.channels or {}
    return [line for one in sheet.frame["channels"] for line in _lines(one, names, t, say)]


def _lines(
    channel: Mapping[str, Any],
    names: Mapping[int, tuple[str, str]],
    t: Mapping[str, str],
    say: Say,
) -> list[str]:
    """The curve of a channel and what it is of, beside it where there is room."""
    known_as = names.get(channel["channel"], (f"{t['channel']} {channel['channel']}", ""))
    title, unit = say(known_as[0]), known_as[1]
    known = [sample for sample in channel["samples"] if sample is not None]
    if not known:
        return [f"  {title}: {t['no_samples']}"]
    low, high, scale = min(known), max(known), 10.0 ** channel["exp"]
    bars = "".join(_bar(sample, low, high) for sample in channel["samples"])
    said = f"{low * scale:g} {t['to']} {high * scale:g} {unit}  {title}"
    if len(bars) + len(said) + 4 <= _WIDTH:
        return [f"  {bars}  {said}"]
    across = _WIDTH - 2
    return [*(f"  {bars[at : at + across]}" for at in range(0, len(bars), across)), f"    {said}"]


def _bar(sample: int | None, low: int, high: int) -> str:
    if sample is None:
        return _GAP
    return _BARS[(sample - low) * (len(_BARS) - 1) // ((high - low) or 1)]


def _moment(at: int, zone: str, t: Mapping[str, str]) -> str:
    return datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime(t["moment"])
