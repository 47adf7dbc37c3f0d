"""Webhooks out by HTTPS: signed, to an address that was looked at, and no further."""

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from phonehome_cloud.core.telling.guarding import Network, check_url, why_none
from phonehome_cloud.core.telling.retrying import Later, Outcome, judge_http, tidy
from phonehome_cloud.core.telling.signing import CONTENT_TYPE, sign, write_event
from phonehome_cloud.store.dispatching import Call

_WITHIN_S: Final = 20.0  # Standard Webhooks 1.0 recommends 15 to 30
_MAX_ANSWER_LINE: Final = 4096  # of its head; its body is not read at all
_PORTS: Final = {"https": 443, "http": 80}


class HookSender:
    """Posts events; networks in `allowed` may be sent to although they are inside.

    `tls` verifies certificates; True as aiohttp does it.
    """

    def __init__(
        self,
        allowed: Sequence[Network],
        tls: ssl.SSLContext | bool,
        source: str,
        version: str,
    ) -> None:
        self._allowed = allowed
        self._tls = tls
        self._source = source
        self._agent = f"phonehome/{version}"

    async def send(self, parcel: Call) -> Outcome:
        """One event, and what became of it; nothing is raised for what a receiver may do."""
        wrong = check_url(parcel.url, is_inside_allowed=bool(self._allowed))
        if wrong is not None:
            return Later(f"its URL: {wrong}")
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await self._post(parcel)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Later(tidy(f"{type(error).__name__}: {error}"))

    async def _post(self, parcel: Call) -> Outcome:
        parts = urlsplit(parcel.url)
        addresses = await _resolve(parts.hostname or "", parts.port or _PORTS[parts.scheme])
        reason = why_none(addresses, self._allowed, is_plain=parts.scheme == "http")
        if reason is not None:
            return Later(f"not sent: {reason}")
        row, now_s = parcel.row, time.time()
        body = write_event(
            row.key, row.template, self._source, row.device, row.ticket, row.created_at, row.data
        )
        headers = sign(parcel.secrets, row.key, int(now_s), body)
        headers |= {"Content-Type": CONTENT_TYPE, "User-Agent": self._agent}
        async with self._session(addresses) as session:
            call = session.post(parcel.url, data=body, headers=headers, allow_redirects=False)
            async with call as answer:
                return judge_http(answer.status, answer.headers, now_s)

    def _session(self, addresses: Sequence[str]) -> aiohttp.ClientSession:
        """A session that can reach these addresses alone, whatever the name means by then."""
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(addresses), ssl=self._tls, use_dns_cache=False, force_close=True
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_MAX_ANSWER_LINE,
            max_field_size=_MAX_ANSWER_LINE,
            trust_env=False,
        )


class _Pinned(AbstractResolver):
    """Says of every name what was found, and looked at, before."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver."""
        del family
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


async def _resolve(host: str, port: int) -> list[str]:
    """Every address of a host, once each; for a number in any of its spellings, the one it is."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
