"""A mail server on loopback that only takes letters: who lives in the demo reads them here."""

import asyncio
import contextlib
import email
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

# The SMTP server of the field in Python: a demonstration sends real letters.
from aiosmtpd.controller import Controller

_LOOK_S = 0.1


class Letterbox:
    """Letters that came, newest last, as (recipient, letter); `port` is where they come in."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, EmailMessage]] = []
        self.port = 0

    async def handle_DATA(  # noqa: N802 - as aiosmtpd calls it
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        """Take a letter."""
        letter = email.message_from_bytes(envelope.content, policy=default)
        self.letters += [(to, letter) for to in envelope.rcpt_tos]
        return "250 2.0.0 taken"

    async def wait_for(self, to: str, words: str) -> tuple[str, str]:
        """(subject, text) of the newest letter to somebody that has these words, once there is."""
        while True:
            for recipient, letter in reversed(list(self.letters)):
                body = letter.get_body(("plain",))
                text = body.get_content() if body is not None else ""
                if recipient == to and words in text:
                    return str(letter["subject"]), text
            await asyncio.sleep(_LOOK_S)


class _Controller(Controller):
    """A server in a thread of its own, on a port that the system chose."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it runs
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd has no types here


@contextlib.contextmanager
def letterbox() -> Iterator[Letterbox]:
    """A server for as long as the context lasts."""
    box = Letterbox()
    controller = _Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
