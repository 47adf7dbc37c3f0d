"""A letter as the bytes of RFC 5322: threads, parts, and headers that nothing can get into."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from hashlib import sha256
from typing import Final

# idna: what aiohttp's yarl encodes names of hosts with (IDNA 2008); the standard library's codec
# is that of 2003, which maps ß to ss.
import idna

from .effect import Attachment

_SUBJECT_CHARS: Final = 150
_NAME_CHARS: Final = 80
_DIGEST_CHARS: Final = 40
_LINE_CHARS: Final = 76  # RFC 5322 2.1.1 wants 78 at most


class _Tokens(UnstructuredHeader, BaseHeader):
    """Ids and links, one a line: the standard library would encode one that is longer than 78
    characters as words (RFC 2047), and then it is no id and no link any more.
    """

    def fold(self, *, policy: Policy) -> str:
        """The lines of the header."""
        return f"{self.name}: " + f"{policy.linesep} ".join(str(self).split()) + policy.linesep


class _Subject(UnstructuredHeader, BaseHeader):
    """The standard library would leave the line with "Subject:" empty where the rest of it just
    fits into the next one, and some programs show nothing then.
    """

    def fold(self, *, policy: Policy) -> str:
        """The lines of the header; what is not ASCII is encoded as words."""
        if not str(self).isascii():
            return str(super().fold(policy=policy))
        lines = textwrap.wrap(
            f"{self.name}: {self}", _LINE_CHARS, break_long_words=False, break_on_hyphens=False
        )
        return f"{policy.linesep} ".join(lines) + policy.linesep


def _make_policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in ("references", "in-reply-to", "list-unsubscribe"):
        registry.map_to_type(name, _Tokens)
    registry.map_to_type("subject", _Subject)
    return SMTP.clone(header_factory=registry)


_POLICY: Final = _make_policy()


@dataclass(frozen=True, slots=True)
class Letter:
    """What a template said."""

    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who we are: the name and address in From, and where answers go ("": there)."""

    name: str
    address: str
    reply_to: str = ""

    @property
    def domain(self) -> str:
        """The right side of our message ids."""
        return to_ascii(self.address).rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a letter goes to, about what, and what it answers.

    `name` is the left side of its Message-ID; `thread` names the conversation ("" for none),
    `before` are the names of what they were sent in it, oldest first. `unsubscribe` is a URL, ""
    for letters that cannot be refused.
    """

    name: str
    reader: str
    address: str
    at_ms: int
    thread: str = ""
    before: tuple[str, ...] = ()
    unsubscribe: str = ""


def message_id(name: str, domain: str) -> str:
    """The Message-ID of a letter: the same one whenever it is tried."""
    return f"<{name}@{domain}>"


def name_thread(thread: str) -> str:
    """The name that the letters of a conversation refer to; nobody was sent it."""
    return sha256(f"thread:{thread}".encode()).hexdigest()[:_DIGEST_CHARS]


def to_ascii(address: str) -> str:
    """An address with its domain as DNS has it; ValueError when it is none."""
    local, at, domain = address.strip().rpartition("@")
    try:
        encoded = idna.encode(domain, uts46=True).decode()
        Address(username=local, domain=encoded)
    except (idna.IDNAError, UnicodeError, HeaderParseError, ValueError, IndexError) as error:
        raise ValueError(f"{address!r} is no mail address") from error
    if not at or not local or not local.isprintable() or " " in local:
        raise ValueError(f"{address!r} is no mail address")
    return f"{local}@{encoded}"


def compose(
    letter: Letter, envelope: Envelope, sender: Sender, attachments: Sequence[Attachment] = ()
) -> EmailMessage:
    """The whole message. ValueError when an address is none, before anything is sent."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _mailbox(sender.name, sender.address)
    message["To"] = _mailbox(envelope.reader, envelope.address)
    if sender.reply_to:
        message["Reply-To"] = _mailbox("", sender.reply_to)
    message["Subject"] = one_line(letter.subject, _SUBJECT_CHARS)
    message["Date"] = datetime.fromtimestamp(envelope.at_ms / 1000, UTC)
    message["Message-ID"] = message_id(envelope.name, sender.domain)
    _join_thread(message, envelope, sender.domain)
    # RFC 3834: nobody's holiday notice answers it. The second is what Exchange reads.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    if envelope.unsubscribe:
        message["List-Unsubscribe"] = f"<{envelope.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    # Alternatives first: a message with files beside it takes none any more.
    for attachment in sorted(attachments, key=lambda one: one.method is None):
        _attach(message, attachment)
    message["Content-Language"] = letter.language  # last: what makes parts moves it into one
    return message


def write(message: EmailMessage, *, has_utf8: bool) -> bytes:
    """Its bytes; `has_utf8` for an address that ASCII cannot say (RFC 6531)."""
    return message.as_bytes(policy=_POLICY.clone(utf8=has_utf8))


def _join_thread(message: EmailMessage, envelope: Envelope, domain: str) -> None:
    """In-Reply-To and References (RFC 5322 3.6.4): its ticket's thread, and what came before."""
    if not envelope.thread:
        return
    names = name_thread(envelope.thread), *envelope.before
    ids = [message_id(name, domain) for name in names]
    message["In-Reply-To"] = ids[-1]
    message["References"] = " ".join(ids)


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    """A calendar part stands among the alternatives, its method in its type (RFC 6047 2.4)."""
    main, _, sub = attachment.media.partition("/")
    if attachment.method is not None:
        message.add_alternative(
            attachment.content.decode(),
            subtype=sub,
            params={"method": attachment.method},
            cte="base64",
        )
        main, sub = (
            "application",
            "ics",
        )  # and once more for who saves files; never two invitations
    charset = {"charset": "utf-8"} if main == "text" else {}  # without it, it would be ASCII
    message.add_attachment(
        attachment.content, maintype=main, subtype=sub, filename=attachment.name, params=charset
    )


def _mailbox(name: str, address: str) -> Address:
    local, _, domain = to_ascii(address).rpartition("@")
    return Address(one_line(name, _NAME_CHARS), local, domain)


def one_line(text: str, chars: int) -> str:
    """Words of others for a header: control characters and line ends become spaces, cut."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= chars else line[: chars - 1] + "…"
