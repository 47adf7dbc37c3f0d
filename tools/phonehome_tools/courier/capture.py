"""What an export on a serial line brings, line by line, between whatever else a device prints."""

from dataclasses import dataclass, field
from hashlib import sha256

from phonehome_wire.envelope import payload_span, peek
from phonehome_wire.errors import RefusedError
from phonehome_wire.exported import FINISHED, ExportReader
from phonehome_wire.plain import open_plain
from phonehome_wire.serial import MARK
from phonehome_wire.uplink import Uplink, decode_uplink

NAME_BYTES = 16
PLAIN_BEGIN = b"\x82\x48"


@dataclass(frozen=True, slots=True)
class Captured:
    """One report as a device printed it. Nobody here can tell whether it is authentic."""

    message: bytes = field(repr=False)
    device: str
    records: int

    @property
    def is_signed(self) -> bool:
        """False for that of a device without a key, which the receiver files as unverified."""
        return not is_plain(self.message)

    @property
    def name(self) -> str:
        """A hash of the bytes: the same report has the same name, wherever it is met."""
        return sha256(self.message).hexdigest()[: 2 * NAME_BYTES]


class Capture:
    """Fed with lines, collects the reports of one export or several.

    `refused` says what was wrong with lines; `announced` is (reports, records) of the newest
    export that came to its end; `line_bytes` counts what was on the wire for it.
    """

    def __init__(self) -> None:
        self._reader = ExportReader()
        self.reports: list[Captured] = []
        self.refused: list[str] = []
        self.announced: tuple[int, int] | None = None
        self.line_bytes = 0

    def feed(self, line: str) -> Captured | None:
        """Take a line; the report that it completes, or None. Any text is a line."""
        if MARK in line:
            self.line_bytes += len(line) + 2  # and the end of the line
        try:
            said = self._reader.take(line)
            if said is None:
                return None
            if said[0] == FINISHED:
                self.announced = said[1]
                return None
            found = captured(said[1])
        except RefusedError as error:
            self.refused.append(str(error))
            return None
        self.reports.append(found)
        return found

    @property
    def is_complete(self) -> bool:
        """True when an export came to its end and brought as many reports as it said."""
        told = (len(self.reports), sum(report.records for report in self.reports))
        return self.announced == told


def captured(message: bytes) -> Captured:
    """A report by its bytes. RefusedError when they are no report, whoever has made them."""
    device, uplink = read_report(message)
    return Captured(message, device.hex(), len(uplink.records))


def is_plain(message: bytes) -> bool:
    """Whether a report is one that nobody signed."""
    return message.startswith(PLAIN_BEGIN)


def read_report(message: bytes) -> tuple[bytes, Uplink]:
    """(device, uplink) of a report, neither of them proven. RefusedError."""
    if is_plain(message):
        device, payload = open_plain(message)
        return device, decode_uplink(payload)
    start, end = payload_span(message)
    return peek(message)[1][:-1], decode_uplink(message[start:end])
