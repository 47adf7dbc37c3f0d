"""What is to be on a board: the linked agent, main.py, a product and an application."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from phonehome_tools.cable.errors import CableError, UsageError
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.compiling import compile_module
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.rooms import made_once
from phonehome_tools.installing.switching import MAIN, MAIN_PATH
from phonehome_tools.linking.promises import ROOMS
from phonehome_tools.packaging.index import packages
from phonehome_tools.packaging.parts import BASE, PARTS, needs_of

MPY: Final = 6
PRODUCT_PATH: Final = "/product.ph"
APP_PATHS: Final = ("/app.py", "/app.mpy")
LIB: Final = "/lib"
AGENT_PATH: Final = f"{LIB}/phonehome/agent.mpy"
NEEDED: Final = "needed"  # by each board, see needing
# Folders in which nothing but the agent lies: what a release has no longer goes away.
OWNED: Final = tuple(f"{LIB}/{name}" for name in sorted({BASE, "phonehome_wire", *ROOMS.values()}))
_SHORT: Final = {name.removeprefix(f"{BASE}-"): name for name in PARTS}


@dataclass(frozen=True)
class Bundle:
    """Files by absolute path; `replaced` are paths that must not stay beside them.

    `source` is the text of the application, None where none comes with it.
    """

    files: Mapping[str, bytes]
    replaced: tuple[str, ...] = ()
    source: str | None = None

    @property
    def has_app(self) -> bool:
        """Whether an application comes with it."""
        return any(path in self.files for path in APP_PATHS)

    @property
    def has_console(self) -> bool:
        """Whether the agent of it answers at the serial line."""
        return any(path.startswith(f"{LIB}/{ROOMS['phonehome.console']}/") for path in self.files)


def make_bundle(
    product: str | None, app: Path | None, parts: str = "all", as_source: bool = False
) -> Bundle:
    """A bundle of a product's name or file, an application's source, and parts of the agent."""
    files = {MAIN_PATH: MAIN.encode(), **agent_files(parts)}
    if product is not None:
        files[PRODUCT_PATH] = find_product(product).device_half
    if app is None:
        return Bundle(files)
    path, data = read_app(app, as_source)
    files[path] = data
    return Bundle(files, tuple(other for other in APP_PATHS if other != path), app.read_text())


def agent_files(parts: str) -> dict[str, bytes]:
    """The agent by absolute path; linked once for each state of its sources."""
    folder = made_once("packages", _write_packages)
    wanted = {BASE, *choose_parts(parts)}
    wanted |= {need for name in wanted for need in needs_of(name)}
    found = {}
    for name in sorted(wanted):
        room = folder / name
        found.update(
            {
                f"{LIB}/{path.relative_to(room).as_posix()}": path.read_bytes()
                for path in sorted(room.rglob("*"))
                if path.is_file()
            }
        )
    return found


def choose_parts(words: str) -> list[str]:
    """The packages that `--parts` means: all, base, or some with commas; UsageError.

    What each board needs is chosen from all.
    """
    if words in {"all", "base", NEEDED}:
        return [] if words == "base" else list(PARTS)
    unknown = [word for word in words.split(",") if word not in _SHORT]
    if unknown:
        known = ", ".join(["all", "base", NEEDED, *_SHORT])
        raise UsageError(
            f"--parts {words}: there is no part {unknown[0]!r}", f"there are: {known}"
        )
    return [_SHORT[word] for word in words.split(",")]


def read_app(path: Path, as_source: bool) -> tuple[str, bytes]:
    """Where an application goes and its bytes; a mistake in its syntax stays on this side."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UsageError(f"--app {path}: cannot be read: {error.strerror}") from error
    try:
        compiled = compile_module(path, "app.py")
    except SetupError as error:
        raise CableError(str(error), "mend it first: nothing was sent") from error
    return (APP_PATHS[0], text) if as_source else (APP_PATHS[1], compiled)


def _write_packages(folder: Path) -> None:
    for package in packages(str(MPY)):
        for name, data in package.files.items():
            path = folder / package.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
