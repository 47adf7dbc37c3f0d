"""What happens on boards, told to people and to machines."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

# Colours, tables and live views for people; nothing else draws in this room.
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from phonehome_tools.fleet.board import Event

SHOWN_VALUES = 6
STYLES = {"confirmed": "red", "healed": "green", "cleared": "green", "pending": "yellow"}


class Telling(Protocol):
    """One way of telling; a context manager."""

    def tell(self, event: Event) -> None:
        """Take one event."""

    def note(self, text: str) -> None:
        """Say something that is not an event of a board."""


class JSONTelling:
    """One object a line on standard output, for programs."""

    def tell(self, event: Event) -> None:
        """Print the event."""
        print(json.dumps(event.as_dict()), flush=True)

    def note(self, text: str) -> None:
        """Print the words as an event without a board."""
        print(json.dumps({"event": "note", "text": text}), flush=True)


class LineTelling:
    """One line an event, for logs and for a terminal that is none; states are left out."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def tell(self, event: Event) -> None:
        """Print the event unless it is only a picture of the current state."""
        if event.name != "state":
            self._console.print(line_of(event))

    def note(self, text: str) -> None:
        """Print the words."""
        self._console.print(text)


class LiveTelling:
    """Events scroll by above a table with one row for each board."""

    def __init__(self, boards: Iterable[str]) -> None:
        self._console = Console(highlight=False)
        self._states: dict[str, Mapping[str, Any]] = {board: {} for board in boards}
        self._live = Live(console=self._console, get_renderable=self._draw, refresh_per_second=4)

    def __enter__(self) -> Self:
        """Take over the bottom of the terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the terminal back, the last picture stays."""
        self._live.stop()

    def tell(self, event: Event) -> None:
        """Keep a state for the table; print everything else."""
        if event.name == "state":
            self._states[event.board] = event.facts
        else:
            self._live.console.print(line_of(event))

    def note(self, text: str) -> None:
        """Print the words."""
        self._live.console.print(text)

    def _draw(self) -> Group:
        table = Table("appliance", "phase", "sensors", "waiting", box=None, pad_edge=False)
        for board, state in self._states.items():
            table.add_row(
                board,
                str(state.get("phase", "")),
                values_text(state.get("values", {})),
                str(state.get("depth", "")),
            )
        return Group(table)


def line_of(event: Event) -> str:
    """An event as one line with markup: time, board, name, facts."""
    seconds = event.at_ms / 1000
    words = " ".join(f"{key}={fact_text(value)}" for key, value in event.facts.items())
    style = STYLES.get(str(event.facts.get("kind", "")), "")
    text = escape(f"{seconds:10.1f} s  {event.board:<10} {event.name:<10} {words}")
    return f"[{style}]{text}[/]" if style else text


def fact_text(value: object) -> str:
    """A fact in few characters."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def values_text(values: Mapping[str, Any], limit: int = SHOWN_VALUES) -> str:
    """The first sensors with their values; a missing sample is a dash."""
    shown = [
        f"{name} {'-' if value is None else fact_text(value)}"
        for name, value in list(values.items())[:limit]
    ]
    return "  ".join(shown)
