"""A fleet from plan to end: homes, registration, boards, and what they tell."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonehome_tools.fleet.board import Board, Event, board_setup, follow, model_source
from phonehome_tools.fleet.catalog import (
    CatalogEntry,
    check_model_faults,
    find_product,
    has_model,
    model_names,
)
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import Desk, read_token
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.recording import Recording, convert
from phonehome_tools.fleet.script import ScriptedFault
from phonehome_tools.fleet.summary import summarise
from phonehome_tools.fleet.telling import JSONTelling, LineTelling, LiveTelling, Telling

SHOW_MS = 1000
# Both may have been started by one line of a shell.
DESK_WITHIN_S = 15.0


@dataclass(frozen=True)
class Plan:
    """Everything that `phonehome sim` was asked for."""

    product: str
    count: int
    server: str
    api: str
    ca: Path | None
    token_file: Path | None
    state: Path
    faults: tuple[ScriptedFault, ...]
    seed: int
    speed: float | None
    duration_ms: int | None
    as_json: bool
    replay: Path | None
    host: bool
    windows: Path | None


async def simulate(plan: Plan) -> int:
    """Run the fleet; 0 when it came to its end and, with windows, every window was found."""
    entry = find_product(plan.product)
    check_script(plan, entry)
    token = read_token(plan.token_file)
    names = [f"{entry.product.name}-{index + 1}" for index in range(plan.count)]
    async with Desk(plan.api, token) as desk, Children() as children:
        await desk.wait_for(DESK_WITHIN_S)
        boards = [await prepare(plan, entry, desk, name, children) for name in names]
        recording = record_source(plan, entry, boards)
        for index, board in enumerate(boards):
            await board.start(setup_of(plan, entry, board, plan.seed + index, recording))
        with telling(plan, names) as tell:
            events = await listen(boards, tell)
        if plan.replay is not None and recording is not None:
            return await summarise(plan.replay, plan.windows, desk, boards, events, plan.as_json)
    return 0


def check_script(plan: Plan, entry: CatalogEntry) -> None:
    """SetupError, before anything is registered, when the samples cannot come as planned."""
    name = entry.product.name
    if plan.replay is not None or plan.host:
        return
    if has_model(name):
        check_model_faults(name, [fault.name for fault in plan.faults])
    else:
        known = ", ".join(model_names())
        raise SetupError(f"product '{name}' has no physical model (there are: {known})")


async def prepare(
    plan: Plan, entry: CatalogEntry, desk: Desk, name: str, children: Children
) -> Board:
    """A registered device with its folder, ready to start."""
    home = Home(plan.state / name)
    link = Link(plan.server, plan.ca)
    link.settings()  # before anything is registered: a wrong URL must leave no trace
    await home.register(desk, entry.product.name, name)
    home.write_config(link)
    home.product_file.write_bytes(entry.device_half)
    return Board(name, home, children)


def record_source(plan: Plan, entry: CatalogEntry, boards: Sequence[Board]) -> Recording | None:
    """The recording of a replay, converted once beside the first board."""
    if plan.replay is None:
        return None
    return convert(plan.replay, entry.sensor_names, boards[0].home.path / "rows.csv")


def setup_of(
    plan: Plan, entry: CatalogEntry, board: Board, seed: int, recording: Recording | None
) -> dict[str, Any]:
    """What one virtual board is told about itself."""
    return board_setup(
        board.home,
        source_of(plan, entry, seed, recording),
        SHOW_MS,
        faults=[[f.name, f.from_ms, f.until_ms] for f in plan.faults],
        speed=plan.speed,
        duration_ms=plan.duration_ms,
    )


def source_of(
    plan: Plan, entry: CatalogEntry, seed: int, recording: Recording | None
) -> dict[str, Any]:
    """Where the board's samples come from."""
    if recording is not None:
        return {"kind": "replay", "rows": str(recording.path.resolve()), "names": recording.names}
    if plan.host:
        return {"kind": "host"}
    return model_source(entry.product.name, seed)


@contextlib.contextmanager
def telling(plan: Plan, names: Sequence[str]) -> Iterator[Telling]:
    """JSON lines, a live table on a terminal, or plain lines."""
    if plan.as_json:
        yield JSONTelling()
    elif sys.stdout.isatty():
        with LiveTelling(names) as live:
            yield live
    else:
        yield LineTelling()


async def listen(boards: Sequence[Board], tell: Telling) -> list[Event]:
    """Tell every event until all boards have ended; return those that are kept for a summary."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    following = [asyncio.create_task(follow(board, queue)) for board in boards]
    kept: list[Event] = []
    running = len(boards)
    while running:
        event = await queue.get()
        if event is None:
            running -= 1
            continue
        tell.tell(event)
        if event.name == "transition":
            kept.append(event)
    await asyncio.gather(*following)  # a board that failed is raised here
    return kept
