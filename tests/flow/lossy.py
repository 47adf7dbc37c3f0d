"""A proxy before the receiver that loses requests and replies, and slips in commands."""

import asyncio
import contextlib
from collections import Counter
from typing import Self

import aiohttp
from aiohttp import web

from phonehome_wire.envelope import peek
from phonehome_wire.errors import RefusedError

DROPPED_HEADERS = {"host", "content-length", "connection"}


class LossyFront:
    """Passes HTTP on to `target`; `lose` says what of which request is lost next.

    A key of `lose` is (path, key epoch, "request" or "reply"), its value how often. `slip` holds
    signed messages that answer the next reports in place of their acks.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.lose: Counter = Counter()
        self.lost: Counter = Counter()
        self.slip: list[bytes] = []
        self.passed: Counter = Counter()
        self.address = ""
        self.news = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._session = aiohttp.ClientSession()
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        await self._runner.cleanup()
        await self._session.close()

    async def until(self, predicate) -> None:
        """Wait until something that passes by makes this true."""
        async with asyncio.timeout(60), self.news:
            await self.news.wait_for(predicate)

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        name = (request.path, epoch_of(body))
        if self._is_lost(*name, "request"):
            return await self._hang_up(request)
        try:
            answer, status, headers = await self._ask(request, body)
        except aiohttp.ClientError:
            return await self._hang_up(request)
        if self._is_lost(*name, "reply"):
            return await self._hang_up(request)
        if self.slip and request.path == "/v1/up" and status == 200:
            answer = self.slip.pop(0)
        self.passed[(*name, status)] += 1
        await self._tell()
        return web.Response(status=status, body=answer, headers=headers)

    async def _ask(self, request: web.Request, body: bytes):
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in DROPPED_HEADERS
        }
        headers["X-Forwarded-Proto"] = "https"
        url = self.target + request.path_qs
        async with self._session.request(
            request.method, url, data=body, headers=headers
        ) as answer:
            kept = {
                name: answer.headers[name]
                for name in ("Content-Type", "Retry-After")
                if name in answer.headers
            }
            return await answer.read(), answer.status, kept

    def _is_lost(self, *what) -> bool:
        if not self.lose[what]:
            return False
        self.lose[what] -= 1
        self.lost[what] += 1
        return True

    async def _hang_up(self, request: web.Request) -> web.Response:
        await self._tell()
        with contextlib.suppress(AttributeError):
            request.transport.close()
        return web.Response(status=502)

    async def _tell(self) -> None:
        async with self.news:
            self.news.notify_all()


def epoch_of(body: bytes) -> int | None:
    """The key epoch that a message is signed with, None for what is no message."""
    try:
        return peek(body)[1][-1]
    except RefusedError:
        return None
