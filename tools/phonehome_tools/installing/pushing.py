"""One push to one board, from its prompt to the agent's first word."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from phonehome_tools.cable.board import Board, open_board
from phonehome_tools.cable.files import piece_bytes, read_file
from phonehome_tools.cable.meter import watch
from phonehome_tools.installing.bundle import MPY, Bundle
from phonehome_tools.installing.needing import CONFIG_PATH, fit
from phonehome_tools.installing.staging import Plan, install, look
from phonehome_tools.installing.starting import wait_for_agent
from phonehome_tools.packaging.firmware import ask_firmware

STARTED, UNPROVISIONED, SILENT = "started", "not provisioned", "installed"
# A USB frame, in which a piece or its answer travels, and what full speed carries.
_USB_FRAME_S: Final = 0.001
_USB_BAUD: Final = 12_000_000
_SERIAL_BAUD: Final = 115_200


@dataclass(frozen=True)
class Pushed:
    """What a push did; seconds are of copying and switching, without the board's start.

    `serial_s` and `usb_s` are by arithmetic: its bytes on a line of 115200 Bd, and on USB with a
    frame for each piece and its answer; what the board does meanwhile is in neither.
    """

    port: str
    firmware: str
    copied: int
    unchanged: int
    removed: int
    bytes_sent: int
    bytes_received: int
    seconds: float
    serial_s: float
    usb_s: float
    state: str
    agent: str

    def as_dict(self) -> dict[str, Any]:
        """What --json prints."""
        return asdict(self)


def push(
    port: str,
    bundle: Bundle,
    may_replace: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    is_fitted: bool = False,
) -> Pushed:
    """Install a bundle, or what of it the board needs, at a port and see it start; CableError."""
    with open_board(port) as board:
        firmware = ask_firmware(board)
        firmware.expect_fit(MPY)
        bundle = fit(board, bundle) if is_fitted else bundle
        meter, begun_s = watch(board), time.monotonic()
        plan = look(board, bundle, may_replace)
        size = piece_bytes(firmware.platform)
        _copy(board, plan, progress, size)
        seconds = time.monotonic() - begun_s
        state = expected_state(board, bundle)
        board.reset()
    answer = wait_for_agent(port) if state == STARTED else {}
    pieces = -(-plan.size // size)
    return Pushed(
        port=port,
        firmware=firmware.name,
        copied=len(plan.copied),
        unchanged=plan.unchanged,
        removed=len(plan.removed),
        bytes_sent=meter.sent,
        bytes_received=meter.received,
        seconds=round(seconds, 2),
        serial_s=round(meter.seconds_at(_SERIAL_BAUD), 2),
        usb_s=round(meter.seconds_at(_USB_BAUD) + 2 * pieces * _USB_FRAME_S, 2),
        state=state,
        agent=str(answer.get("agent", "")),
    )


def expected_state(board: Board, bundle: Bundle) -> str:
    """What a board will do after a reset: without settings it cannot start an agent."""
    if not bundle.has_console:
        return SILENT
    config = read_file(board, CONFIG_PATH)
    if config is None:
        return UNPROVISIONED
    try:
        settings = json.loads(config)
    except ValueError:
        return STARTED  # the agent says what is wrong with it
    return SILENT if settings.get("console") is False else STARTED


def _copy(board: Board, plan: Plan, progress: Callable[[int, int], None], size: int) -> None:
    done, total = 0, plan.size

    def add(count: int) -> None:
        nonlocal done
        done = min(done + count, total)
        progress(done, total)

    install(board, plan, add, size)
