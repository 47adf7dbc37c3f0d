"""Labelled windows of a recording, and which of a replay's tickets fell inside them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.recording import parse_time_ms


@dataclass(frozen=True)
class Window:
    """A span of time in which something was really wrong (unix ms, both ends included)."""

    from_ms: int
    until_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether an instant lies inside."""
        return self.from_ms <= at_ms <= self.until_ms


@dataclass(frozen=True)
class Tally:
    """How many openings each window holds, and how many lie outside all of them."""

    inside: tuple[int, ...]
    outside: int

    @property
    def is_complete(self) -> bool:
        """Whether every window holds at least one."""
        return all(self.inside)


def load_windows(path: Path, recording: Path) -> tuple[Window, ...]:
    """Windows from `[[from, to], ...]` or `{"folder/recording.csv": [[from, to], ...]}`."""
    try:
        found = _choose(json.loads(path.read_text()), recording)
        return tuple(Window(parse_time_ms(a), parse_time_ms(b)) for a, b in found)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise SetupError(f"{path} is not a list of [from, to] times: {error}") from error


def tally(windows: Sequence[Window], instants: Sequence[int]) -> Tally:
    """Count instants by window."""
    inside = tuple(sum(window.holds(at) for at in instants) for window in windows)
    outside = sum(not any(window.holds(at) for window in windows) for at in instants)
    return Tally(inside, outside)


def _choose(data: Any, recording: Path) -> list[Any]:
    if isinstance(data, dict):
        for name in data:
            if Path(name).name == recording.name:
                return list(data[name])
        raise ValueError(f"no entry for {recording.name}")
    return list(data)
