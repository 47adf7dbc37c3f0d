"""A push that is cut short: the board boots the old version or the new one, never a mixture.

On unix MicroPython at a pseudo-terminal, with littlefs on a flash that loses its power at a
program or an erase: the emulated Pico takes half a minute for each push.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from littlefs import LittleFS

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.errors import CableError
from phonehome_tools.cable.files import PIECE_BYTES, digest
from phonehome_tools.installing import pushing, staging
from phonehome_tools.installing.bundle import Bundle, make_bundle
from phonehome_tools.installing.starting import wait_for_agent
from phonehome_tools.installing.switching import FINISH, NEW, SUFFIX
from tests.fakes.cabled import CabledBoard
from tests.tools.boards import provision, write_app

BLOCKS = 212
PULLS = 6
CUTS = 14
SEEN: list[bool] = []
# The switch without the rename that makes the archive count.
NOT_WHOLE = f'{FINISH}\nfinish("{NEW}")\n'


@pytest.fixture(scope="module")
def flash(tmp_path_factory) -> Path:
    """The flash of a provisioned board with the old version."""
    folder = tmp_path_factory.mktemp("old")
    made = make_bundle("washer", write_app(folder))
    # A byte more behind each module, which nobody reads, and a module that is gone in the new one.
    files = {path: data + b"\0" * path.endswith(".mpy") for path, data in made.files.items()}
    image = folder / "flash.img"
    with CabledBoard(image, BLOCKS) as cabled:
        pushing.push(cabled.port, Bundle({**files, "/lib/_c/gone.mpy": b"M"}))
        provision(cabled.port)
    return image


@pytest.fixture(scope="module")
def new(tmp_path_factory) -> Bundle:
    """What is pushed: every module differs, and so does the product."""
    return make_bundle("fridge", write_app(tmp_path_factory.mktemp("app")))


@pytest.fixture(scope="module")
def old(flash) -> dict[str, str]:
    """What is on that flash."""
    return hashes_on(flash)


def hashes_on(image: Path) -> dict[str, str]:
    """What is on a flash, read with the C library of littlefs; not what the agent writes."""
    data = image.read_bytes()
    flash = LittleFS(block_size=4096, block_count=len(data) // 4096, mount=False)
    flash.context.buffer = bytearray(data)
    flash.mount()
    found = {}
    for folder, _, names in flash.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            if not path.endswith((".json", ".key", SUFFIX)) and "/phonehome-data" not in path:
                with flash.open(path, "rb") as file:
                    found[path] = digest(file.read())
    return found


def hashes_of(bundle: Bundle) -> dict[str, str]:
    """What a board with this bundle has."""
    return {path: digest(data) for path, data in bundle.files.items()}


@pytest.fixture(scope="module")
def measured(flash, new, tmp_path_factory) -> tuple[int, int]:
    """(bytes to the board, programs and erases) of a push that nobody cuts short."""
    image = Path(shutil.copy(flash, tmp_path_factory.mktemp("measured") / "flash.img"))
    with CabledBoard(image, BLOCKS, runs_main=False) as cabled:
        with open_board(cabled.port) as board:
            staging.install(board, staging.look(board, new), lambda _: None, PIECE_BYTES)
            sent = cabled.bytes_to_board
            board.reset()
        return sent, cabled.flash_operations()


def cut_point(point: int, whole: int) -> int:
    """A third of the points in the copying, the others behind it, where the switch is."""
    if point < CUTS // 3:
        return whole * (2 * point + 1) // (2 * CUTS)
    late = point - CUTS // 3
    return whole // 3 + (whole * 2 // 3) * (late + 1) // (CUTS - CUTS // 3 + 1)


def push_until_cut(image: Path, new: Bundle, **cut: int) -> None:
    """A push that cannot end."""
    with (
        CabledBoard(image, BLOCKS, runs_main=False, **cut) as cabled,
        pytest.raises(CableError),
        open_board(cabled.port) as board,
    ):
        staging.install(board, staging.look(board, new), lambda _: None, PIECE_BYTES)


def check_and_finish(image: Path, old: Mapping[str, str], new: Bundle) -> bool:
    """Boot the board, see that it is whole, push again; True when it was the new version."""
    with CabledBoard(image, BLOCKS) as cabled:
        is_new = wait_for_agent(cabled.port)["product"] == "fridge"
    assert hashes_on(image) == (hashes_of(new) if is_new else old)
    with (
        CabledBoard(image, BLOCKS, runs_main=False) as cabled,
        open_board(cabled.port) as board,
    ):
        staging.install(board, staging.look(board, new), lambda _: None, PIECE_BYTES)
    assert hashes_on(image) == hashes_of(new)
    return is_new


@pytest.mark.parametrize("point", range(PULLS))
def test_a_pulled_cable_leaves_the_old_version(point, flash, old, new, measured, tmp_path):
    """The cable goes before the last byte; the power goes with it, as over USB."""
    image = Path(shutil.copy(flash, tmp_path / "flash.img"))
    push_until_cut(image, new, pull_after=measured[0] * (2 * point + 1) // (2 * PULLS))
    assert not check_and_finish(image, old, new)


@pytest.mark.parametrize("point", range(CUTS))
def test_a_power_cut_leaves_a_version_that_boots(point, flash, old, new, measured, tmp_path):
    """The power goes at a program or an erase; what was switched half the next boot finishes."""
    image = Path(shutil.copy(flash, tmp_path / "flash.img"))
    push_until_cut(image, new, cut_after=cut_point(point, measured[1]))
    SEEN.append(check_and_finish(image, old, new))


def test_the_points_were_on_both_sides_of_the_switch():
    """Control: cuts that all leave the same version would not show that the switch is whole."""
    assert set(SEEN) == {False, True}


def test_a_switch_that_is_not_whole_would_be_noticed(
    flash, old, new, measured, tmp_path, monkeypatch
):
    """Control: files that are replaced one by one leave a mixture at one of these points."""
    monkeypatch.setattr(staging, "switch_script", lambda is_foreign: NOT_WHOLE)
    for point in range(CUTS // 3, CUTS):
        image = Path(shutil.copy(flash, tmp_path / "flash.img"))
        push_until_cut(image, new, cut_after=cut_point(point, measured[1]))
        if hashes_on(image) not in (old, hashes_of(new)):
            return
    pytest.fail("no mixture at any point")
