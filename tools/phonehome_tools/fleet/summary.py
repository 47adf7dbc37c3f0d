"""What a replay came to: which confirmations the desk has, and which windows they fell into."""

import asyncio
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# A table for people.
from rich.console import Console
from rich.table import Table

from phonehome_tools.fleet.board import Board, Event
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.windows import Tally, Window, load_windows, tally

DESK_WITHIN_S = 30.0
ASK_EVERY_S = 0.1


async def summarise(
    replay: Path,
    windows_file: Path | None,
    desk: Desk,
    boards: Sequence[Board],
    events: Sequence[Event],
    as_json: bool,
) -> int:
    """Print the summary; 1 when a labelled window holds no ticket.

    Waits until the desk has every confirmation that the boards told; ChildError when it has not.
    """
    confirmed = [event for event in events if event.facts["kind"] == "confirmed"]
    tickets = await expect_tickets(desk, boards, len(confirmed))
    windows = load_windows(windows_file, replay) if windows_file else ()
    found = tally(windows, [int(event.facts["utc_ms"]) for event in confirmed])
    if as_json:
        print(json.dumps(summary_fact(windows, found, tickets)), flush=True)
    else:
        print_summary(windows, found, tickets, confirmed)
    return 0 if found.is_complete else 1


async def expect_tickets(
    desk: Desk, boards: Sequence[Board], occurrences: int
) -> list[Mapping[str, Any]]:
    """The tickets of all boards, once they count as many occurrences as were confirmed."""
    tickets: list[Mapping[str, Any]] = []
    try:
        async with asyncio.timeout(DESK_WITHIN_S):
            while True:
                tickets = [t for b in boards for t in await desk.tickets(b.home.device)]
                if sum(ticket["occurrences"] for ticket in tickets) >= occurrences:
                    return tickets
                await asyncio.sleep(ASK_EVERY_S)
    except TimeoutError:
        have = sum(ticket["occurrences"] for ticket in tickets)
        raise ChildError(f"the desk has {have} of {occurrences} confirmed faults") from None


def summary_fact(
    windows: Sequence[Window], found: Tally, tickets: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The summary as one JSON event."""
    return {
        "event": "summary",
        "tickets": len(tickets),
        "windows": [
            {"from_ms": w.from_ms, "until_ms": w.until_ms, "openings": count}
            for w, count in zip(windows, found.inside, strict=True)
        ],
        "outside": found.outside,
    }


def print_summary(
    windows: Sequence[Window],
    found: Tally,
    tickets: Sequence[Mapping[str, Any]],
    confirmed: Sequence[Event],
) -> None:
    """The summary for people."""
    console = Console(highlight=False)
    table = Table("confirmed at", "fault", "where", title="What the replay reported")
    for event in confirmed:
        at_ms = int(event.facts["utc_ms"])
        place = next((n for n, w in enumerate(windows, 1) if w.holds(at_ms)), None)
        where = f"window {place}" if place else "outside"
        table.add_row(day(at_ms), str(event.facts["code"]), where if windows else "")
    console.print(table)
    for number, (window, count) in enumerate(zip(windows, found.inside, strict=True), 1):
        span = f"{day(window.from_ms)} to {day(window.until_ms)}"
        console.print(f"window {number}, {span}: {count}")
    if windows:
        console.print(f"outside: {found.outside}")
    console.print(f"tickets: {len(tickets)}")


def day(at_ms: int) -> str:
    """A UTC instant to the minute."""
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M")
