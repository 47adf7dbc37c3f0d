"""What is written to a board, in an order that can be repeated from the top.

    phonehome.key.new, phonehome.json.new, phonehome-ca.der.new   written and read back
    the receiver registers the device under that key
    renamed to their places, the key last

Cut short before the last step a board is as it was; the next try finds the key that waits and
registers it again, which the receiver takes for the same registration.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from phonehome_tools.cable.board import Board
from phonehome_tools.cable.errors import CableError, RefusedError, ScriptError, UsageError
from phonehome_tools.cable.files import digest, read_file, read_hashes, send_files
from phonehome_tools.fleet.catalog import find_product, product_names
from phonehome_tools.installing.bundle import AGENT_PATH, PRODUCT_PATH, agent_files
from phonehome_tools.installing.needing import ALONE, lacking
from phonehome_tools.provisioning.order import CA_NAME, Order

KEY_PATH: Final = "/phonehome.key"
CONFIG_PATH: Final = "/phonehome.json"
CA_PATH: Final = f"/{CA_NAME}"
NEW: Final = ".new"
KEY_BYTES: Final = 32
# What waits has this one until the receiver says which.
FIRST_EPOCH: Final = 1
_ACTIVATE: Final = """
import os
def try_to(do, *paths):
    try:
        do(*paths)
    except OSError as e:
        if e.errno != 2:
            raise
for p in {first!r}:
    try_to(os.rename, p + '.new', p)
for p in {gone!r}:
    try_to(os.remove, p)
os.rename({key!r} + '.new', {key!r})
"""
_FORGET: Final = """
import os
for p in {paths!r}:
    try:
        os.remove(p + '.new')
    except OSError:
        pass
"""


def expect_device(board: Board, wanted: str | None) -> str:
    """The EUI-64 of a board; RefusedError when it is not the one that is wanted."""
    own = board.read_device()
    if own and wanted and own != wanted:
        raise RefusedError(
            f"{board.name}: this board is {own}, the label is for {wanted}",
            "take the right board, or leave out --device",
        )
    device = own or wanted
    if not device:
        raise UsageError(f"{board.name}: this board has no EUI-64 of its own", "give --device EUI")
    return device


def expect_no_key(board: Board, may_replace: bool) -> None:
    """RefusedError when a board has a key already, unless it may be replaced."""
    key = read_epoch(board)
    if key and not may_replace:
        raise RefusedError(
            f"{board.name}: this board has a key already, epoch {key}",
            "--replace gives it another one: what it signed under the old one is refused then",
        )


def expect_parts(board: Board, order: Order) -> None:
    """RefusedError when the agent on a board could not start by what is ordered.

    Only the agent that push installs is judged: another build has other files.
    """
    base = agent_files("base")
    names = lacking({"server": order.server, **ALONE}, ())
    parts = {name: agent_files(name).keys() - base.keys() for name in names}
    there = read_hashes(board, [AGENT_PATH, *sorted(set().union(*parts.values()))])
    lacks = [name for name, files in parts.items() if not files <= there.keys()]
    if lacks and there.get(AGENT_PATH) == digest(base[AGENT_PATH]):
        raise RefusedError(
            f"{board.name}: its agent is without {', '.join(lacks)}, for {order.server}",
            f"first: phonehome push {board.name}",
        )


def read_epoch(board: Board) -> int:
    """The epoch of a board's key, 0 when it has none; the key stays where it is."""
    return int(
        board.ask(
            f"try:\n with open({KEY_PATH!r}, 'rb') as f:\n  d = f.read()\n"
            "  print(d[0] if len(d) == 33 else 0)\nexcept OSError:\n print(0)"
        )
    )


def read_waiting_key(board: Board) -> bytes | None:
    """The key that a try before this one has left, or None."""
    found = read_file(board, KEY_PATH + NEW)
    return found[1:] if found is not None and len(found) == KEY_BYTES + 1 else None


def read_product(board: Board) -> str:
    """The product that is installed, by its hash; CableError when none of ours is."""
    found = read_hashes(board, [PRODUCT_PATH]).get(PRODUCT_PATH)
    for name in product_names():
        if digest(find_product(name).device_half) == found:
            return name
    raise CableError(f"{board.name}: its product is none of those here", "give --product NAME")


def write_waiting(board: Board, order: Order, key: bytes) -> None:
    """Write what waits for the registration, and read it back; CableError."""
    config = json.dumps(order.settings(read_settings(board))).encode()
    files = {KEY_PATH: bytes([FIRST_EPOCH]) + key, CONFIG_PATH: config}
    if order.ca is not None:
        files[CA_PATH] = order.ca
    waiting = {path + NEW: data for path, data in files.items()}
    try:
        send_files(board, waiting)
    except ScriptError as error:
        forget_waiting(board)
        raise CableError(
            f"{board.name}: cannot be written: {error}", "full or read-only? phonehome doctor"
        ) from error
    there = read_hashes(board, waiting)
    wrong = [path for path, data in waiting.items() if there.get(path) != digest(data)]
    if wrong:
        raise CableError(f"{board.name}: {wrong[0]} reads back wrong", "try again")


def activate(board: Board, key_file: bytes) -> None:
    """Put what waits into its place, the key last, with the epoch that the receiver gave it."""
    if key_file[0] != FIRST_EPOCH:
        send_files(board, {KEY_PATH + NEW: key_file})
    first = [CA_PATH, CONFIG_PATH]
    gone = [KEY_PATH + ".next", KEY_PATH + ".nonce"]
    board.run(_ACTIVATE.format(first=first, gone=gone, key=KEY_PATH))
    if read_hashes(board, [KEY_PATH]).get(KEY_PATH) != digest(key_file):
        raise CableError(f"{board.name}: the key reads back wrong", "try again with --replace")


def forget_waiting(board: Board) -> None:
    """Undo write_waiting."""
    board.run(_FORGET.format(paths=[KEY_PATH, CONFIG_PATH, CA_PATH]))


def read_settings(board: Board) -> Mapping[str, Any]:
    """What is in phonehome.json, or nothing where that is not there or broken."""
    found = read_file(board, CONFIG_PATH)
    try:
        settings = json.loads(found or b"{}")
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}
