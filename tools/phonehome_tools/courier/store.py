"""What a laptop carries: a folder of files, each whole or not there, whenever the power goes.

    <state>/phonehome/courier/<device>/<name>.report    to be uploaded
                                       <name>.plain     the same of a device without a key
                                       <name>.ack       to be typed, at this visit or the next
                                       <name>.refused   the receiver will not have it

A report is on the disk before anybody is told of it, its ack before the report is deleted. Doing
any step twice, or by two programs at once, does no harm.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phonehome_wire.limits import MAX_MESSAGE_BYTES

from .capture import Captured

STATE_VARIABLE = "XDG_STATE_HOME"
REPORT, PLAIN, ACK, REFUSED = ".report", ".plain", ".ack", ".refused"
_NEW = ".new-"


@dataclass(frozen=True, slots=True)
class Held:
    """One file of the store."""

    path: Path

    @property
    def device(self) -> str:
        """Whose it is, as far as the file says."""
        return self.path.parent.name

    def read(self) -> bytes:
        """The bytes, at most one more than any message has."""
        with self.path.open("rb") as file:
            return file.read(MAX_MESSAGE_BYTES + 1)


class Store:
    """The courier's folder; methods raise OSError as the file system does."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def add(self, report: Captured) -> bool:
        """Keep a report until its ack is here; False when it is here already, or its ack is."""
        path = self._path(report.device, report.name, REPORT if report.is_signed else PLAIN)
        if any(path.with_suffix(suffix).exists() for suffix in (path.suffix, ACK, REFUSED)):
            return False
        _write_whole(path, report.message)
        return True

    def reports(self, suffixes: tuple[str, ...] = (REPORT, PLAIN)) -> list[Held]:
        """What waits for the receiver, of all devices."""
        return [Held(path) for suffix in suffixes for path in self._find(suffix)]

    def acks(self, device: str) -> list[Held]:
        """What waits to be typed to a device."""
        return [Held(path) for path in self._find(ACK, device)]

    def keep_ack(self, report: Held, ack: bytes) -> None:
        """The receiver has it: keep its word for the device, and then let the report go."""
        _write_whole(report.path.with_suffix(ACK), ack)
        report.path.unlink(missing_ok=True)

    def put_aside(self, report: Held) -> None:
        """The receiver will not have it; it is not sent again unless somebody asks for that."""
        with suppress(FileNotFoundError):
            report.path.rename(report.path.with_suffix(REFUSED))

    def drop(self, held: Held) -> None:
        """Let a file go, and the device's folder with the last one."""
        held.path.unlink(missing_ok=True)
        with suppress(OSError):
            held.path.parent.rmdir()

    def _path(self, device: str, name: str, suffix: str) -> Path:
        return self.folder / device / (name + suffix)

    def _find(self, suffix: str, device: str = "*") -> Iterator[Path]:
        found = sorted(self.folder.glob(f"{device}/*{suffix}"))
        return (path for path in found if not path.name.startswith(_NEW))


def default_folder() -> Path:
    """Where state of programs belongs (XDG base directories)."""
    state = os.environ.get(STATE_VARIABLE) or str(Path.home() / ".local" / "state")
    return Path(state) / "phonehome" / "courier"


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside, sync, rename, sync the folder: afterwards it is on the disk, for its owner."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_NEW, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    with suppress(OSError):  # not every system lets a folder be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
