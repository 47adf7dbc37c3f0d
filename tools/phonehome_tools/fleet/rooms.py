"""What a virtual board imports, as boards load it: the linked agent and the simulator as .mpy."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock

from phonehome_tools.fleet.compiling import compile_module, module_name
from phonehome_tools.fleet.interpreter import ROOMS, UPYLIB, folder_of
from phonehome_tools.linking.device import compiled_units, link_device
from phonehome_tools.linking.lines import write_map

# The simulator speaks of kinds of transitions in the words of the wire.
ALSO = ("phonehome_wire.registry", "phonehome_wire.series")
_linking = Lock()


def rooms_folder() -> Path:
    """The folder with everything compiled; made once for each state of the sources."""
    return made_once("rooms", compile_rooms)


def made_once(kind: str, fill: Callable[[Path], None]) -> Path:
    """A folder of this kind that `fill` has filled for the present state of the sources."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "phonehome"
    folder = cache / f"{kind}-{_digest()}"
    with _linking:
        if not folder.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as made:
                whole = Path(made) / kind
                whole.mkdir()
                fill(whole)
                try:
                    whole.rename(folder)
                except OSError:
                    if not folder.is_dir():
                        raise  # otherwise another process was faster
    return folder


def compile_rooms(target: Path) -> None:
    """Compile all that a virtual board imports into `target`; SetupError says what failed."""
    linked = link_device(also=ALSO)
    files = compiled_units(linked)
    for package in (folder_of("phonehome_sim"), UPYLIB / "umqtt"):
        for source in sorted(package.rglob("*.py")):
            name = source.relative_to(package.parent)
            files[str(name.with_suffix(".mpy"))] = compile_module(source, module_name(name))
    for path, data in files.items():
        compiled = target / path
        compiled.parent.mkdir(parents=True, exist_ok=True)
        compiled.write_bytes(data)
    write_map(target / "map.json", linked.units)


def _digest() -> str:
    """A name for the state of every source that has a say in it."""
    state = hashlib.sha256()
    for path in _sources():
        state.update(str(path).encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    for package in (*ROOMS, "phonehome_tools.linking", "phonehome_tools.packaging"):
        yield from sorted(folder_of(package).rglob("*.py"))
    yield from sorted((UPYLIB / "umqtt").rglob("*.py"))
