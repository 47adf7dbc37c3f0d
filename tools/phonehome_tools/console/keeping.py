"""Exports kept as they appear: what `phonehome push-reports` carries to the receiver."""

from phonehome_tools.courier.capture import Capture
from phonehome_tools.courier.store import Store

MARK = "#PH1 "


class Keeping:
    """Takes every line of a board; `take` returns what to say about it, or None."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or Store()
        self._capture = Capture()
        self._refused = 0

    def take(self, line: str) -> str | None:
        """Keep the report that a line completes, before anything is said of it."""
        report = self._capture.feed(line)
        if report is not None:
            self._store.add(report)
            return f"kept: {report.records} records of {report.device}"
        if len(self._capture.refused) > self._refused:
            self._refused = len(self._capture.refused)
            return f"not kept: {self._capture.refused[-1]}; say export again"
        return None
