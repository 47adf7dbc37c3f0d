"""A virtual device's own folder: identity, key, settings and flash, kept from run to run."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import SetupError

KEY_BYTES = 32
FIRST_EPOCH = 1
# Beside what a real appliance has: a virtual one has no flash to spare in a boot loop.
DEFAULTS = {"heartbeat_s": 30, "settle_ms": 1000}


@dataclass(frozen=True)
class Link:
    """Where a device phones: server URL, and what TLS is checked against."""

    server: str
    ca: Path | None = None

    def settings(self) -> dict[str, Any]:
        """The lines of phonehome.json; only a URL without TLS is called insecure."""
        scheme = urlsplit(self.server).scheme
        if scheme not in {"http", "https", "mqtt", "mqtts"}:
            raise SetupError(f"server '{self.server}' is not an http, https, mqtt or mqtts URL")
        if scheme in {"http", "mqtt"}:
            return {"server": self.server, "insecure": True}
        if self.ca is None:
            raise SetupError(f"server '{self.server}' is verified: give --ca FILE (DER)")
        return {"server": self.server, "ca": str(self.ca.resolve())}


class Home:
    """The folder of one virtual device."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.device = self._read_device() or draw_device()

    @property
    def key_file(self) -> Path:
        """33 bytes: key epoch and key."""
        return self.path / "device.key"

    @property
    def config_file(self) -> Path:
        """What the agent reads as phonehome.json."""
        return self.path / "phonehome.json"

    @property
    def product_file(self) -> Path:
        """The device half of the product."""
        return self.path / "product.ph"

    @property
    def setup_file(self) -> Path:
        """What the virtual board reads."""
        return self.path / "board.json"

    async def register(self, desk: Desk, product: str, label: str) -> None:
        """Make the desk know this device; a kept key is registered again, else one is drawn."""
        key = self._read_key()
        if key is None:
            key = await desk.add_device(self.device, product, label)
        elif not await desk.has_device(self.device):
            await desk.add_device(self.device, product, label, key)
        write_secret(self.key_file, bytes([FIRST_EPOCH]) + key)

    def write_config(self, link: Link, **settings: int) -> None:
        """Write the agent's settings; `settings` are numbers of phonehome.json."""
        flash = self.path / "flash"
        flash.mkdir(exist_ok=True)
        config = {
            "device": self.device,
            **link.settings(),
            "key": str(self.key_file.resolve()),
            "data": str(flash.resolve()),
            **(DEFAULTS | settings),
        }
        self.config_file.write_text(json.dumps(config, indent=1) + "\n")

    def _read_device(self) -> str | None:
        if not self.config_file.exists():
            return None
        try:
            return str(json.loads(self.config_file.read_text())["device"])
        except (ValueError, KeyError) as error:
            raise SetupError(f"{self.config_file} is damaged: remove {self.path}") from error

    def _read_key(self) -> bytes | None:
        if not self.key_file.exists():
            return None
        data = self.key_file.read_bytes()
        if len(data) != KEY_BYTES + 1:
            raise SetupError(f"{self.key_file} has {len(data)} bytes, not 33: remove {self.path}")
        return data[1:]


def draw_device() -> str:
    """A new EUI-64 made as a board makes it: a locally administered MAC with ff-fe inside."""
    mac = bytearray(os.urandom(6))
    mac[0] = mac[0] & 0xFC | 0x02
    return bytes(mac[:3] + b"\xff\xfe" + mac[3:]).hex()


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
    part.replace(path)
