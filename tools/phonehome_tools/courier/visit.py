"""One visit at one device: acks of the last time in, reports out, up, and their acks in again."""

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from phonehome_tools.cable.line import Line

from .capture import Capture
from .dialogue import AnswerError, Dialogue
from .store import Store
from .uploading import Upload, Uploader

# A line that noise has spoiled: what came through is kept, the rest is asked for again.
_EXPORTS: Final = 3


@dataclass(slots=True)
class Visit:
    """What happened. Bytes are those of reports, of acks, and of all lines of the export.

    `committed_s` is the time from the first word to the last ack typed, None when there was none;
    `waiting` how many records still wait on the device, None when it did not say.
    """

    port: str
    device: str = ""
    reports: int = 0
    records: int = 0
    report_bytes: int = 0
    line_bytes: int = 0
    acks_typed: int = 0
    ack_bytes: int = 0
    deleted: int = 0
    quarantined: int = 0
    waiting: int | None = None
    export_s: float = 0.0
    committed_s: float | None = None
    upload: Upload | None = None
    remarks: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Everything as JSON can say it."""
        return asdict(self)


class Courier:
    """Makes visits; `uploader` is None where nothing is to be uploaded."""

    def __init__(self, store: Store, uploader: Uploader | None) -> None:
        self._store = store
        self._uploader = uploader

    def visit(self, line: Line) -> Visit:
        """Visit the device at a line. CableError when it cannot be talked to.

        Whatever happens, what came out of the device is on the disk, and nothing of it is lost.
        """
        begun_s = time.monotonic()
        visit, dialogue = Visit(line.name), Dialogue(line)
        visit.device = dialogue.expect_console()
        self._type_acks(visit, dialogue)
        self._export(visit, dialogue)
        if self._uploader is not None:
            visit.upload = asyncio.run(self._uploader.upload(self._store, self._store.reports()))
            if self._type_acks(visit, dialogue):
                visit.committed_s = time.monotonic() - begun_s
        return visit

    def _type_acks(self, visit: Visit, dialogue: Dialogue) -> int:
        """Type what the receiver has said to this device; return how many acks it took."""
        taken = 0
        for held in self._store.acks(visit.device):
            ack = held.read()
            try:
                answer = dialogue.type_ack(ack)
            except AnswerError as error:
                # Of another key by now, or not the receiver's: the records are still there.
                visit.remarks.append(f"the device refused an ack: {error}")
            else:
                taken += 1
                visit.acks_typed += 1
                visit.ack_bytes += len(ack)
                visit.deleted += int(answer.get("deleted", 0))
                visit.quarantined += int(answer.get("refused", 0))
                visit.waiting = answer.get("waiting")
            self._store.drop(held)
        return taken

    def _export(self, visit: Visit, dialogue: Dialogue) -> None:
        """Take what waits, each report on the disk before the next thing happens."""
        begun_s = time.monotonic()
        capture = Capture()
        for _ in range(_EXPORTS):
            capture = Capture()
            for report in dialogue.export(capture):
                if report.device != visit.device:
                    visit.remarks.append(f"a report of {report.device} on this line")
                self._store.add(report)
            visit.line_bytes += capture.line_bytes
            if capture.is_complete:
                break
        else:
            damage = "; ".join(capture.refused) or "it had no end"
            visit.remarks.append(f"the line damages the export, pull again: {damage}")
        visit.export_s = time.monotonic() - begun_s
        visit.reports = len(capture.reports)
        visit.records = sum(report.records for report in capture.reports)
        visit.report_bytes = sum(len(report.message) for report in capture.reports)
        if capture.announced is not None:
            visit.waiting = capture.announced[1]
