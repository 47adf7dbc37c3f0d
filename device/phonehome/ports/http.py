"""Reports over HTTP: POST /v1/up on one kept-alive connection, the ack in the body of the answer.

Own and small, because the library that boards have verifies no certificate and needs 18 TLS
records for one POST. The answer is read strictly: whatever is not a short HTTP/1.1 message with a
length costs the connection.
"""

from phonehome.core.errors import LinkError
from phonehome.core.ondemand import rest
from phonehome_wire.compat import const

from .stream import TLS_S

# Folded away on a board; a test holds them to the wire's registry and limits.
_MAX_DOWNLINK_BYTES = const(1024)

_MAX_LINE_BYTES = const(512)
_MAX_HEADERS = const(32)
_MAX_REASON_BYTES = const(24)  # of the text with which it says why
_MAX_RETRY_AFTER_S = const(86400)
_MALFORMED = (400, 413, 422)  # the receiver got it and could not read it
_COSE = b"application/cose"


class HTTPLink:
    """POSTs reports; `on_message(view)` gets the body of an answer before `send` returns.

    What waits is short; requests and answers are made and read by what is loaded for it.
    """

    acks_later = False

    def __init__(self, stream, path: str, on_message) -> None:
        self._stream = stream
        self._on_message = on_message
        self._line = b"POST %s/v1/up HTTP/1.1\r\n" % path.encode()
        self._is_line_sent = False
        self._is_reused = False
        self._status = 0  # of the answer that comes in, and its headers
        self._headers: dict = {}
        self.reconnects = -1
        self.context = stream.context

    @property
    def is_open(self) -> bool:
        """True while the connection is believed to be up."""
        return self._stream.is_open

    async def open(self) -> None:
        """Connect unless connected; with TLS the request line goes first, for the handshake."""
        stream = self._stream
        if stream.is_open:
            return
        await stream.open()
        self.reconnects += 1
        self._is_reused = False
        self._is_line_sent = stream.is_secure
        if self._is_line_sent:
            stream.write(self._line)
            rest()
            await stream.drain("tls", TLS_S)

    async def send(self, view) -> None:
        """POST a report and hand its answer on; the view is copied before anything waits."""
        request = self._make_request(view)
        if self._is_reused:
            try:
                await self._exchange(request)
                return
            except LinkError as error:
                if error.phase not in ("send", "receive"):
                    raise
                await self.open()  # the other end had closed the idle connection
        await self._exchange(request)

    async def close(self) -> None:
        """Drop the connection."""
        self._stream.close()

    async def _exchange(self, request: bytes) -> None:
        stream = self._stream
        stream.write(request if self._is_line_sent else self._line + request)
        self._is_line_sent = False
        rest()
        await stream.drain()
        stream.expect()
        self._status, self._headers = 0, {}
        while not self._has_head():
            rest()
            await stream.receive()
        body = await stream.read_exactly(self._count_body())
        message, error = self._judge(body)
        if message:
            self._on_message(message)
        if error is not None:
            raise error

    def _make_request(self, view) -> bytes:
        """All of it behind the request line, in one copy."""
        head = (
            b"Host: %s:%d\r\n"
            b'Content-Type: application/cose; cose-type="cose-mac0"\r\n'
            b"Content-Length: %d\r\n\r\n"
        )
        stream = self._stream
        return head % (stream.host.encode(), stream.port, len(view)) + view

    def _has_head(self) -> bool:
        """Take the lines of an answer that are there; True behind the last of its head."""
        while True:
            line = self._stream.maybe_line(_MAX_LINE_BYTES)
            if line is None:
                return False
            if not self._status:
                self._status = self._parse_status(line)
            elif not line:
                return True
            elif len(self._headers) == _MAX_HEADERS:
                self._stream.close()
                raise LinkError("protocol", "more than %d headers" % _MAX_HEADERS)
            else:
                name, _, value = line.partition(b":")
                self._headers[name.lower()] = value.strip()

    def _count_body(self) -> int:
        """Bytes of the body; 0 after closing the connection behind one that is not for us."""
        headers = self._headers
        length = self._parse_number(headers.get(b"content-length", b""), _MAX_DOWNLINK_BYTES)
        if length is None or b"transfer-encoding" in headers:
            self._stream.close()
            return 0
        return length

    def _judge(self, body: bytes) -> tuple:
        """(the message in an answer or b"", what the answer says went wrong or None)."""
        status, headers = self._status, self._headers
        self._is_reused = True
        if headers.get(b"connection", b"").lower() == b"close":
            self._stream.close()
        is_message = headers.get(b"content-type", b"").startswith(_COSE)
        error = None
        if status != 200:
            retry_after_s = self._parse_number(
                headers.get(b"retry-after", b"0"), _MAX_RETRY_AFTER_S
            )
            detail = "HTTP %d %s" % (status, self._readable(body[:_MAX_REASON_BYTES]))
            error = LinkError("refused", detail, retry_after_s or 0, status in _MALFORMED)
        self._headers = {}
        return body if is_message else b"", error

    def _readable(self, text: bytes) -> str:
        return "".join([chr(byte) for byte in text if 32 <= byte < 127])

    def _parse_status(self, line: bytes) -> int:
        if not line.startswith(b"HTTP/1.") or len(line) < 12 or not line[9:12].isdigit():
            raise LinkError("protocol", "not an HTTP status line: %r" % line[:24])
        return int(line[9:12])

    def _parse_number(self, text: bytes, greatest: int):
        """A decimal number up to `greatest`, else None."""
        if not text.isdigit() or len(text) > 9 or int(text) > greatest:
            return None
        return int(text)
