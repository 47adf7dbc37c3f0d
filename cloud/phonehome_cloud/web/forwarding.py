"""Who a request comes from when a proxy brings it: what proxies that are trusted say, no others.

Without it all boards behind a proxy would share the bucket of one address. Ours, because what
aiohttp-remotes has wants a fixed number of proxies before every request.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from ipaddress import ip_address
from typing import Final

from aiohttp import hdrs, web

from .parts import PROXIES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PEER: Final = web.RequestKey("peer", str)
_FOR = re.compile(r'\s*for\s*=\s*("?)([^";]*)\1\s*', re.ASCII | re.IGNORECASE)


@web.middleware
async def find_client(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Handle a request that a proxy brought as one of the client that it names."""
    proxies = request.app[PROXIES]
    if request.remote not in proxies:
        return await handler(request)
    client = client_of(request, proxies)
    if client is None:
        return await handler(request)
    peer, request = request.remote, request.clone(remote=client)
    request[PEER] = peer
    return await handler(request)


def peer_of(request: web.Request) -> str | None:
    """Who is at the other end of the connection."""
    peer: str | None = request.get(PEER, request.remote)
    return peer


def client_of(request: web.BaseRequest, proxies: frozenset[str]) -> str | None:
    """The last address before the proxies that are trusted; None when they name none.

    With both headers neither is believed: one of them a client may have sent itself, through a
    proxy that writes the other.
    """
    named = [
        chain
        for chain in (
            list(_forwarded_for(request.headers.getall(hdrs.X_FORWARDED_FOR, []))),
            list(_forwarded(request.headers.getall(hdrs.FORWARDED, []))),
        )
        if chain
    ]
    if len(named) != 1:
        return None
    client = None
    for address in reversed(named[0]):
        if address is None:
            break  # unknown, or nonsense: the proxy behind it is all that is known
        client = address
        if address not in proxies:
            break
    return client


def _forwarded_for(headers: list[str]) -> Iterator[str | None]:
    """The addresses of X-Forwarded-For, the client's first; None for what is none."""
    for header in headers:
        for part in header.split(","):
            yield _address(part.strip())


def _forwarded(headers: list[str]) -> Iterator[str | None]:
    """The addresses of Forwarded (RFC 7239), the client's first; None for what is none."""
    for header in headers:
        for hop in header.split(","):
            found = [match[2] for match in map(_FOR.fullmatch, hop.split(";")) if match]
            yield _address(found[0]) if len(found) == 1 else None


def _address(text: str) -> str | None:
    """The address in "192.0.2.1", "192.0.2.1:80", "2001:db8::1" or "[2001:db8::1]:80"."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text))
    except ValueError:
        return None
