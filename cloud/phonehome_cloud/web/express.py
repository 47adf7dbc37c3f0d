"""The short way of `POST /v1/up`: a request as boards write it, in one piece, without aiohttp.

Only the very lines that the agent writes are read here, as one pattern; whatever differs in a byte
goes to aiohttp, which has the last word about HTTP. With 256 connections a request costs the
processor a third of what it costs by aiohttp: 28 us against 88, measured in turns.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from phonehome_cloud.core.intake import FAILED, Intake, Reply

_LOG = logging.getLogger(__name__)
COSE = b'application/cose; cose-type="cose-mac0"'
_HEAD = re.compile(
    rb"POST /v1/up HTTP/1\.1\r\n"
    rb"Host: [!-~]+\r\n"
    rb"Content-Type: " + re.escape(COSE) + rb"\r\n"
    rb"Content-Length: ([1-9][0-9]{0,3})\r\n\r\n"
)
_ACK = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b"

Answer = Callable[[bytes], None]


def find_message(data: bytes) -> bytes | None:
    """The message of a request that is whole and as boards write it; None for any other bytes."""
    head = _HEAD.match(data)
    if head is None or head.end() + int(head[1]) != len(data):
        return None
    return data[head.end() :]


class Express:
    """Brings messages to intake, and its replies back as bytes of HTTP."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._under_way: set[asyncio.Task[None]] = set()

    def take(self, message: bytes, address: str, answer: Answer) -> None:
        """Answer one message of an address; `answer` is called with the whole response."""
        told = partial(_tell, answer)
        if self._intake.accept_at_once(message, "http", None, address, told):
            return
        task = asyncio.create_task(self._accept(message, address, answer))
        self._under_way.add(task)  # the loop alone would not keep it
        task.add_done_callback(self._under_way.discard)

    async def _accept(self, message: bytes, address: str, answer: Answer) -> None:
        try:
            reply = await self._intake.accept(message, "http", None, address)
        except Exception:  # noqa: BLE001 - outermost: the device gets a status and keeps its records
            _LOG.exception("a message could not be taken")
            reply = Reply(500, b"", FAILED)
        answer(render(reply))


def _tell(answer: Answer, reply: Reply) -> None:
    answer(render(reply))


def render(reply: Reply) -> bytes:
    """A reply of intake as HTTP, with the same headers as `device.respond`."""
    if reply.status == 200 and reply.body:
        return _ACK % (COSE, len(reply.body), reply.body)
    body, kind = reply.body, COSE
    if not body:
        body, kind = f"{reply.reason}\n".encode(), b"text/plain; charset=utf-8"
    after = "" if reply.retry_after_s is None else f"Retry-After: {reply.retry_after_s}\r\n"
    line = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{after}"
    return line.encode() + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        kind,
        len(body),
        body,
    )
