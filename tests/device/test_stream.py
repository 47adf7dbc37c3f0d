"""A stream names the phase that failed, whatever the interpreter raises for it."""

from phonehome.core.errors import LinkError
from phonehome.ports.stream import Stream


class Opened:
    """A connection whose first write fails like the interpreter's."""

    def __init__(self, error) -> None:
        self.s = self
        self.is_closed = False
        self._error = error

    def write(self, _data) -> None:
        raise self._error

    def close(self) -> None:
        self.is_closed = True


def phase_of(error) -> str:
    """The phase that a failing write is told as; the connection is gone afterwards."""
    stream, opened = Stream("host", 8883), Opened(error)
    stream._stream = opened
    try:
        stream.write(b"CONNECT")
    except LinkError as told:
        assert opened.is_closed and not stream.is_open
        return told.phase
    raise AssertionError("written")


def test_a_certificate_may_be_refused_while_writing():
    """A quick other end lets the handshake take place in the first write: TLS failed, not us."""
    assert phase_of(ValueError("\nnot signed by the trusted CA\n")) == "tls"
    assert phase_of(MemoryError()) == "tls"


def test_a_reset_while_writing_is_a_failed_send():
    """The other end is gone."""
    assert phase_of(OSError(104)) == "send"
