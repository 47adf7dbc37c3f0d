"""The unix MicroPython that plays a board: where it is, what it imports, its heap."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from phonehome_tools.fleet.errors import SetupError

# A Pico W leaves 208 KB to Python. Objects of this 64-bit interpreter are exactly twice as large
# as on the board, so twice the bytes hold as many of them.
BOARD_HEAP = "416k"
ROOMS = ("phonehome_sim", "phonehome", "phonehome_wire")
UPYLIB = Path(sys.prefix) / "upylib"


def find_interpreter() -> str:
    """The path of `micropython`: $MICROPYTHON, beside this Python, or on PATH."""
    beside = Path(sys.executable).parent / "micropython"
    named = os.environ.get("MICROPYTHON")
    found = named or (str(beside) if beside.exists() else shutil.which("micropython"))
    if not found:
        raise SetupError("micropython is not installed: run 'make setup', or set MICROPYTHON")
    return found


def folder_of(package: str) -> Path:
    """The folder that holds a package, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SetupError(f"package {package} is not installed: run 'make setup'")
    return Path(next(iter(spec.submodule_search_locations)))


def board_environment(compiled: Path | None = None) -> Mapping[str, str]:
    """The environment in which MicroPython finds the device code and umqtt.simple.

    What is in the folder `compiled` goes before the sources.
    """
    if not (UPYLIB / "umqtt").is_dir():
        raise SetupError(f"umqtt.simple is not in {UPYLIB}: run 'make setup'")
    folders = [str(folder_of(package).parent) for package in ROOMS]
    # The variable replaces the interpreter's own path: its frozen asyncio must be named again.
    first = [str(compiled)] if compiled else []
    path = ":".join([".frozen", *first, *dict.fromkeys(folders), str(UPYLIB)])
    return {**os.environ, "MICROPYPATH": path}


def python_environment() -> Mapping[str, str]:
    """The environment of our own Python children: what they print is read at once."""
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def board_command(setup: Path, heap: str = BOARD_HEAP) -> list[str]:
    """The command line of one virtual board; `setup` is the JSON file that tells what it is."""
    main = folder_of("phonehome_sim") / "main.py"
    return [find_interpreter(), "-X", f"heapsize={heap}", str(main), str(setup)]
