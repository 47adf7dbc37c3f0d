"""The mailbox that answers to invitations come to: where it is, and how it is spoken to."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

IMPLICIT: Final = "imaps"
STARTTLS: Final = "imap+starttls"
PLAIN: Final = "imap"
_PORTS: Final = {IMPLICIT: 993, STARTTLS: 143, PLAIN: 143}  # RFC 8314
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_INBOX: Final = "INBOX"


@dataclass(frozen=True, slots=True)
class Postbox:
    """An IMAP folder; `scheme` says when TLS begins. The password is never shown."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = _INBOX


def parse_postbox(url: str) -> Postbox:
    """The folder of a URL; ValueError for one that is none, or whose password everybody hears.

    Without TLS only on this machine.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("scheme or host")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not user or not password:
        raise ValueError("user and password")
    if parts.scheme == PLAIN and parts.hostname not in _HERE:
        raise ValueError("no TLS")
    folder = unquote(parts.path.strip("/")) or _INBOX
    port = parts.port or _PORTS[parts.scheme]
    return Postbox(parts.scheme, parts.hostname, port, user, password, folder)
