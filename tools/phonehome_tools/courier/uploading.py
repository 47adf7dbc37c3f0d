"""Reports from the laptop to the receiver, and its signed answers into the store.

An ack is taken by its form only: who has no key cannot tell whether it is authentic. The device
can, and a wrong one costs nothing but the typing.
"""

import asyncio
import base64
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

# The receiver's own HTTP library: one dependency instead of two, and its errors are one family.
import aiohttp

from phonehome_wire.envelope import payload_span, peek
from phonehome_wire.errors import RefusedError
from phonehome_wire.heard import Ack, decode_downlink
from phonehome_wire.limits import MAX_DOWNLINK_BYTES
from phonehome_wire.uplink import Uplink

from .capture import is_plain, read_report
from .store import Held, Store

COSE: Final = 'application/cose; cose-type="cose-mac0"'
DEADLINE: Final = aiohttp.ClientTimeout(total=30, connect=10)
# The receiver has read it and will not have it: another try is the same.
FINAL: Final = frozenset((400, 401, 403, 413, 422))
_PATIENCE_S: Final = 60.0  # with a receiver that asks to come back later
_UNAUTHORIZED: Final = 401
_CONFLICT: Final = 409


class LaterError(Exception):
    """It cannot be delivered now; `retry_after_s` when the receiver says how long.

    With `is_alone` the others may still be: it is not the receiver that is away.
    """

    def __init__(
        self, text: str, retry_after_s: float | None = None, *, is_alone: bool = False
    ) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s
        self.is_alone = is_alone or retry_after_s is not None


class NeverError(Exception):
    """The receiver will not have this report."""


@dataclass(slots=True)
class Upload:
    """What became of the reports that waited."""

    acked: int = 0
    unverified: int = 0
    refused: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)
    bytes: int = 0


class Uploader:
    """Posts to the receiver at `url`; `token` is the desk's, for reports that nobody signed."""

    def __init__(self, url: str, token: str = "", context: ssl.SSLContext | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._ssl = context if context is not None else True

    async def upload(self, store: Store, reports: Iterable[Held]) -> Upload:
        """Deliver what waits; every ack is in the store when this returns, however it ends."""
        result = Upload()
        async with aiohttp.ClientSession(timeout=DEADLINE) as session:
            for report in reports:
                try:
                    await self._deliver(session, store, report, result)
                except NeverError as error:
                    store.put_aside(report)
                    result.refused.append(f"{report.device}: {error}")
                except LaterError as error:
                    result.later.append(f"{report.device}: {error}")
                    if not error.is_alone:
                        break  # nobody is there: the others need not find out one by one
                except FileNotFoundError:
                    continue  # another program was faster
        return result

    async def _deliver(
        self, session: aiohttp.ClientSession, store: Store, report: Held, result: Upload
    ) -> None:
        message = report.read()
        try:
            _, uplink = read_report(message)
        except RefusedError as error:
            raise NeverError(f"the file is no report any more: {error}") from error
        if is_plain(message):
            await self._file(session, message)
            store.drop(report)
            result.unverified += 1
        else:
            store.keep_ack(report, await self._patiently(session, message, uplink))
            result.acked += 1
        result.bytes += len(message)

    async def _patiently(
        self, session: aiohttp.ClientSession, message: bytes, uplink: Uplink
    ) -> bytes:
        """The ack of one report; when the receiver asks for it, after a while."""
        left_s = _PATIENCE_S
        while True:
            try:
                return await self._post(session, message, uplink)
            except LaterError as error:
                wait_s = error.retry_after_s
                if wait_s is None or wait_s > left_s:
                    raise
                left_s -= wait_s
                await asyncio.sleep(wait_s)

    async def _post(self, session: aiohttp.ClientSession, message: bytes, uplink: Uplink) -> bytes:
        url = f"{self._url}/v1/up"
        try:
            async with session.post(
                url, data=message, headers={"Content-Type": COSE}, ssl=self._ssl
            ) as answer:
                body = await answer.content.read(MAX_DOWNLINK_BYTES + 1)
                _expect_taken(answer, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LaterError(f"{self._url} cannot be reached: {_said(error)}") from error
        if not is_ack_of(body, message, uplink):
            raise LaterError(f"{url} answers, but not with an ack: is this the receiver?")
        return body

    async def _file(self, session: aiohttp.ClientSession, message: bytes) -> None:
        """Have a report that nobody signed filed as unverified, by who has a token of the desk."""
        if not self._token:
            raise LaterError(
                "a report without a signature is filed by the desk: set PHONEHOME_API_TOKEN",
                is_alone=True,
            )
        url = f"{self._url}/api/v1/unverified"
        headers = {"Authorization": f"Bearer {self._token}"}
        body = {"report": base64.b64encode(message).decode()}
        try:
            async with session.post(url, json=body, headers=headers, ssl=self._ssl) as answer:
                if answer.status == _UNAUTHORIZED:
                    raise LaterError("the receiver does not know the token", is_alone=True)
                if answer.status == _CONFLICT:
                    raise LaterError("the desk has enough of this device's", is_alone=True)
                _expect_taken(answer, await answer.content.read(MAX_DOWNLINK_BYTES))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LaterError(f"{self._url} cannot be reached: {_said(error)}") from error


def is_ack_of(body: bytes, message: bytes, uplink: Uplink) -> bool:
    """Whether an answer has the form of the ack of this report."""
    try:
        if peek(body)[1] != peek(message)[1]:
            return False
        start, end = payload_span(body)
        said = decode_downlink(body[start:end])
    except RefusedError:
        return False
    named = (uplink.inc, uplink.boot, uplink.now_ms, uplink.origin_inc)
    return isinstance(said, Ack) and named == (said.inc, said.boot, said.echo_ms, said.origin_inc)


def _expect_taken(answer: aiohttp.ClientResponse, body: bytes) -> None:
    """LaterError or NeverError unless the receiver says that it has it."""
    if 200 <= answer.status < 300:
        return
    why = f"HTTP {answer.status}"
    if answer.content_type == "text/plain":
        why += f", {body[:40].decode(errors='replace').strip()}"
    if answer.status in FINAL:
        raise NeverError(f"refused by the receiver: {why}")
    wait = answer.headers.get("Retry-After", "")
    raise LaterError(f"not now: {why}", float(wait) if wait.isdigit() else None)


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
