"""Which addresses a webhook may be sent to: nothing inside, whatever its name says (SSRF)."""

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from socket import inet_aton, inet_ntoa
from typing import Final
from urllib.parse import urlsplit

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# IPv6 addresses that carry an IPv4 one, which decides: where it stands (bits from the right).
_CARRIERS: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped, RFC 4291
    (IPv6Network("::/96"), 0),  # IPv4-compatible, the same, deprecated
    (IPv6Network("::ffff:0:0:0/96"), 0),  # IPv4-translated, RFC 2765
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056
)
# Not global to IANA or not to everybody's library: shared space of carriers, local NAT64,
# site-local, Teredo (carries an address, obfuscated), and Azure's metadata, which is a public one.
_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "64:ff9b:1::/48",
        "2001::/32",
        "fec0::/10",
        "fd00:ec2::254/128",
    )
)
_URL_CHARS: Final = 2000
_THIS: Final = "localhost"


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks with commas between them; ValueError for one that is none."""
    words = [word.strip() for word in text.split(",")]
    return tuple(ip_network(word) for word in words if word)


def why_not(address: str, allowed: Iterable[Network] = ()) -> str | None:
    """Why nothing may be sent to an address; None when it may.

    Networks in `allowed` may, although they are inside.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is no address"
    carried = _carried(found)
    if is_named(address, allowed):
        return None
    if _is_inside(carried) or _is_inside(found, carries=carried is not found):
        return f"{address} is not on the public Internet"
    return None


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that a host is without asking anybody: a number in any spelling that systems
    take for one (127.1, 0x7f000001), or this machine's own name (RFC 6761); none for other names.
    """
    name = host.lower().rstrip(".")
    if name == _THIS or name.endswith(f".{_THIS}"):
        return "127.0.0.1", "::1"
    try:
        return (str(ip_address(name)),)
    except ValueError:
        pass
    try:
        return (inet_ntoa(inet_aton(name)),)
    except OSError:
        return ()


def _carried(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        for network, shift in _CARRIERS:
            if address in network:
                return IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
    return address


def _is_inside(address: Address, *, carries: bool = False) -> bool:
    if any(_within(address, network) for network in _NEVER):
        return True
    # A carrier is not global by itself: what it carries was looked at.
    return address.is_multicast or (not carries and not address.is_global)


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network


def check_url(url: str, *, is_inside_allowed: bool) -> str | None:
    """What is wrong with the URL of a webhook, before anything is resolved; None: nothing."""
    schemes = ("https", "http") if is_inside_allowed else ("https",)
    if len(url) > _URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        return f"want at most {_URL_CHARS} printable ASCII characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in schemes or not parts.hostname or port == 0:
        return f"want {' or '.join(schemes)}://host/path"
    if parts.username is not None or parts.password is not None:
        return "want no user and no password in it; its requests are signed"
    return "want no fragment" if parts.fragment else None


def why_none(
    addresses: Sequence[str], allowed: Sequence[Network], *, is_plain: bool
) -> str | None:
    """Why nothing may be sent to a name that resolved to these; None when it may.

    One address that is inside condemns all: a public one beside it is a trick. Without TLS
    (`is_plain`) only networks that were named will do.
    """
    if not addresses:
        return "its name has no address"
    for address in addresses:
        reason = why_not(address, allowed)
        if reason is not None:
            return reason
        if is_plain and not is_named(address, allowed):
            return f"{address} is not in webhooks.networks, so it wants https"
    return None


def is_named(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of these networks."""
    found = ip_address(address.partition("%")[0])
    return any(_within(each, net) for net in networks for each in (found, _carried(found)))
