"""The mail server of the settings: where it is, and how it is spoken to."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

IMPLICIT: Final = "smtps"
STARTTLS: Final = "smtp+starttls"
PLAIN: Final = "smtp"
_PORTS: Final = {IMPLICIT: 465, STARTTLS: 587, PLAIN: 25}  # RFC 8314
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Relay:
    """A mail server; `scheme` says when TLS begins. The password is never shown."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)


def parse_relay(url: str) -> Relay:
    """The server of a URL; ValueError for one that is none, or that would speak in the open.

    Without TLS only to this machine, and never with a password.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("scheme, host or path")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(user) != bool(password):
        raise ValueError("user and password")
    if parts.scheme == PLAIN and (user or parts.hostname not in _HERE):
        raise ValueError("no TLS")
    port = parts.port or _PORTS[parts.scheme]
    return Relay(parts.scheme, parts.hostname, port, user, password)
