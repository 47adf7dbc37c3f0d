"""Scripted faults: `drain_blocked@40s` or `drain_blocked@40s-70s`; also ms, m and h."""

import re
from dataclasses import dataclass

from phonehome_tools.fleet.errors import SetupError

UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
DURATION = r"(\d+(?:\.\d+)?)(ms|s|m|h)?"
FAULT = re.compile(rf"([a-z][a-z0-9_]*)@{DURATION}(?:-{DURATION})?\Z")


@dataclass(frozen=True)
class ScriptedFault:
    """A fault of the model that starts at one instant and may end at another (ms of uptime)."""

    name: str
    from_ms: int
    until_ms: int | None = None


def parse_duration(text: str) -> int:
    """Milliseconds of `90`, `90s`, `1.5m` or `2h`; SetupError names what does not fit."""
    match = re.fullmatch(DURATION, text)
    if match is None:
        raise SetupError(f"duration '{text}' is not a number with ms, s, m or h, such as 90s")
    return _ms(match[1], match[2])


def parse_fault(text: str) -> ScriptedFault:
    """A fault script; SetupError names what does not fit."""
    match = FAULT.match(text)
    if match is None:
        raise SetupError(f"fault '{text}' is not NAME@START or NAME@START-END, such as leak@40s")
    name, start, start_unit, end, end_unit = match.groups()
    fault = ScriptedFault(name, _ms(start, start_unit), _ms(end, end_unit) if end else None)
    if fault.until_ms is not None and fault.until_ms <= fault.from_ms:
        raise SetupError(f"fault '{text}' ends before it starts: swap the two times")
    return fault


def _ms(number: str, unit: str | None) -> int:
    return round(float(number) * UNITS_MS[unit or "s"])
