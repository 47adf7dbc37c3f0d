"""One HTTP request on a connection of its own: for a board that has no key or no time yet."""

from .http import HTTPLink


class Asking(HTTPLink):
    """`line` is the method and the target, as in b"GET /v1/time?n=..."."""

    def __init__(self, stream, line: bytes) -> None:
        super().__init__(stream, "", self._take)
        self._line = line + b" HTTP/1.1\r\n"
        self._answer = b""

    async def ask(self, body: bytes = b"") -> bytes:
        """Send the body and return that of the answer, COSE of at most 1024 bytes; LinkError."""
        try:
            await self.open()
            await self.send(body)
        finally:
            await self.close()
        return self._answer

    def _take(self, answer: bytes) -> None:
        self._answer = answer
