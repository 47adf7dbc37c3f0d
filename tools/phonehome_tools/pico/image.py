"""What a board's flash holds: our modules as .mpy and whatever else, in one littlefs image."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# littlefs as the firmware has it: the C library itself, bound to Python.
from littlefs import LittleFS

from phonehome_tools.fleet.compiling import compile_module, module_name
from phonehome_tools.fleet.home import FIRST_EPOCH
from phonehome_tools.fleet.interpreter import UPYLIB, folder_of
from phonehome_tools.linking.device import compiled_units, link_device
from phonehome_tools.pico.settings import Machine

BLOCK_BYTES = 4096
# The layout on flash that MicroPython 1.20 and later reads and writes.
DISK_VERSION = 0x00020000


@dataclass(frozen=True)
class Flash:
    """What is put on a board before it is powered on: modules by their path in /lib, and a home.

    `config` are settings of phonehome.json beside those that say who the board is, `files` more
    files by absolute path.
    """

    device: str
    key: bytes
    product: bytes
    modules: Mapping[str, bytes]
    config: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def write(self, path: Path, machine: Machine) -> Path:
        """Write the image of a machine's flash, with what its firmware lacks; return the path."""
        config = {"device": self.device, "key": "/phonehome.key", "insecure": True, **self.config}
        files = {
            **borrowed_modules(machine),
            **{f"/lib/{name}": data for name, data in self.modules.items()},
            "/product.ph": self.product,
            "/phonehome.key": bytes([FIRST_EPOCH]) + self.key,
            "/phonehome.json": json.dumps(config).encode(),
            **self.files,
        }
        path.write_bytes(build_image(files, machine.blocks))
        return path


def agent_modules() -> dict[str, bytes]:
    """What is installed on a board: the linked agent, by the path in /lib."""
    return compiled_units(link_device())


def model_modules(model: str) -> dict[str, bytes]:
    """The physical model of an appliance, and what it imports."""
    tools = folder_of("phonehome_sim").parent
    leaves = ("__init__.py", "noise.py", "models/__init__.py", f"models/{model}.py")
    return compiled({f"phonehome_sim/{leaf}": tools / "phonehome_sim" / leaf for leaf in leaves})


def umqtt_modules() -> dict[str, bytes]:
    """umqtt.simple, which a board gets from mip."""
    return compiled({"umqtt/simple.py": UPYLIB / "umqtt" / "simple.py"})


def compiled(sources: Mapping[str, Path]) -> dict[str, bytes]:
    """Modules by the path in /lib, from sources by the path that they would have there."""
    return {
        str(Path(name).with_suffix(".mpy")): compile_module(source, module_name(Path(name)))
        for name, source in sources.items()
    }


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


def borrowed_modules(machine: Machine) -> dict[str, bytes]:
    """The modules that the firmware of a machine lacks, as its settings say."""
    if machine.lib is None:
        return {}
    return {f"/lib/{path.name}": path.read_bytes() for path in sorted(machine.lib.glob("*.py"))}
