"""What the receiver writes to its log: lines for people, or one JSON object each for machines."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

# Who an event is about: given with it (`extra=`), or by the request that is being answered.
SUBJECTS: Final = ("request", "device", "report", "reason")
_REQUEST: ContextVar[dict[str, str] | None] = ContextVar("request", default=None)
_TEXT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"


@contextmanager
def about(**subjects: str) -> Iterator[None]:
    """Everything that is logged inside is about these, too: `request`, `device`."""
    token = _REQUEST.set({**(_REQUEST.get() or {}), **subjects})
    try:
        yield
    finally:
        _REQUEST.reset(token)


def subjects_of(record: logging.LogRecord) -> dict[str, str]:
    """What a log record is about, by the names of SUBJECTS."""
    given = {name: getattr(record, name) for name in SUBJECTS if hasattr(record, name)}
    return {**(_REQUEST.get() or {}), **given}


class TextFormatter(logging.Formatter):
    """One line for people, with whom it is about at its end."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """The line without a traceback."""
        named = "".join(f" {name}={value}" for name, value in subjects_of(record).items())
        return super().formatMessage(record) + named


class JSONFormatter(logging.Formatter):
    """One object a line: `at` (RFC 3339, UTC), `level`, `logger`, `message`, SUBJECTS, `error`."""

    def format(self, record: logging.LogRecord) -> str:
        """The object; a traceback is in `error`."""
        event: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **subjects_of(record),
        }
        if record.exc_info:
            event["error"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


def set_up_logging(level: str, form: str) -> None:
    """Log to standard error from this level on, in the form of `log.format`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JSONFormatter() if form == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
