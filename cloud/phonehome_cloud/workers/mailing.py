"""Letters out by SMTP: one connection each, under TLS, with a deadline."""

import contextlib
import ssl
from email.message import EmailMessage
from typing import Final

# aiosmtplib: the maintained asyncio client of SMTP; the standard library's blocks a thread each.
import aiosmtplib

from phonehome_cloud.core.telling.composing import Envelope, Sender, compose, to_ascii, write
from phonehome_cloud.core.telling.effect import Attachment
from phonehome_cloud.core.telling.relay import IMPLICIT, STARTTLS, Relay
from phonehome_cloud.core.telling.retrying import Later, Never, Outcome, Sent, judge_smtp, tidy
from phonehome_cloud.lettering import Letters, Reader
from phonehome_cloud.store.dispatching import Post

_WITHIN_S: Final = 30.0  # for each answer: RFC 5321 4.5.3.2 has minutes, but another try comes
_PARTING_S: Final = 2.0


class MailSender:
    """Writes letters and hands them to the relay, whose certificate `tls` verifies."""

    def __init__(
        self,
        relay: Relay,
        tls: ssl.SSLContext,
        letters: Letters,
        sender: Sender,
        public_url: str,
    ) -> None:
        self._relay = relay
        self._tls = tls
        self._letters = letters
        self._sender = sender
        self._public_url = public_url.rstrip("/")

    async def send(self, parcel: Post) -> Outcome:
        """One letter, and what became of it; nothing is raised for what a server may do."""
        from jinja2 import TemplateError  # noqa: PLC0415 - with the first letter: see lettering

        try:
            message = self._compose(parcel)
        except (TemplateError, ValueError, KeyError, TypeError) as error:
            return Never(tidy(f"cannot be written: {type(error).__name__}: {error}"))
        try:
            return await self._hand_over(message, to_ascii(parcel.contact.mail))
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
            # The relay, its name, our password: nothing that this letter can help.
            return Later(tidy(f"{self._relay.host}: {type(error).__name__}: {error}"))

    def _compose(self, post: Post) -> EmailMessage:
        row, contact = post.row, post.contact
        unsubscribe = f"{self._public_url}/u/{post.token}" if post.token else ""
        reader = Reader(contact.name, contact.language, contact.zone, unsubscribe)
        letter = self._letters.write(row.template, row.data, reader)
        thread = f"{row.device}-{row.ticket}" if row.device and row.ticket else ""
        envelope = Envelope(
            post.name,
            contact.name,
            contact.mail,
            row.created_at,
            thread,
            post.before,
            unsubscribe,
        )
        attachments = [Attachment.from_json(each) for each in row.attachments]
        return compose(letter, envelope, self._sender, attachments)

    async def _hand_over(self, message: EmailMessage, address: str) -> Outcome:
        relay = self._relay
        has_tls = relay.scheme in {IMPLICIT, STARTTLS}
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password or None,
            use_tls=relay.scheme == IMPLICIT,
            start_tls=relay.scheme == STARTTLS,
            tls_context=self._tls if has_tls else None,
            timeout=_WITHIN_S,
        )
        try:
            await client.connect()
            return await _give(client, message, to_ascii(self._sender.address), address)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return judge_smtp(refused.code, refused.message, is_about_address=True)
        except aiosmtplib.SMTPDataError as error:
            return judge_smtp(error.code, error.message, is_about_address=True)
        finally:
            await _part(client)


async def _give(
    client: aiosmtplib.SMTP, message: EmailMessage, sender: str, address: str
) -> Outcome:
    """Hand it over; what the server refuses is raised."""
    needs_utf8 = not address.isascii()
    if needs_utf8 and not client.supports_extension("smtputf8"):
        return Never(f"the mail server takes no address like {address}")
    options = ["SMTPUTF8"] if needs_utf8 else []
    content = write(message, has_utf8=needs_utf8)
    _, word = await client.sendmail(sender, [address], content, mail_options=options)
    return Sent(tidy(word))


async def _part(client: aiosmtplib.SMTP) -> None:
    """Say goodbye; how that goes changes nothing about the letter, which the server has or not."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        if client.is_connected:
            await client.quit(timeout=_PARTING_S)
    client.close()
