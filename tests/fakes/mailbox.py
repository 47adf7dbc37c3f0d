"""A real mail server on loopback, with TLS: what it was given, and what it says to it.

`script` holds the answers to the next letters, one each ("" takes it); after that it takes all.
"""

import contextlib
import email
import ssl
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

HOST = "localhost"
USER, PASSWORD = "phonehome", "correct horse"


class Mailbox:
    """What arrived: (recipient, message), in order; and who logged in."""

    def __init__(self):
        self.letters = []
        self.script = []
        self.refused = {}  # address -> what is said to RCPT
        self.logins = []
        self.hangs_up = False  # at the goodbye, without a word
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd calls it
        self, _server, _session, envelope, address, _options
    ):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, session, envelope):  # noqa: N802 - the same
        answer = self.script.pop(0) if self.script else ""
        if answer:
            return answer
        message = email.message_from_bytes(envelope.content, policy=default)
        message.raw = envelope.content
        message.has_tls = session.ssl is not None
        self.letters += [(address, message) for address in envelope.rcpt_tos]
        return "250 2.0.0 queued"

    async def handle_QUIT(self, server, _session, _envelope):  # noqa: N802 - the same
        if self.hangs_up:
            server.transport.abort()
        return "221 2.0.0 bye"

    def authenticate(self, _server, _session, _envelope, _mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)


class _Controller(Controller):
    """A server in a thread of its own, on a port that the system chose."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _StartTLS(_Controller):
    """TLS when it is asked for, and nothing before; without a context there is none."""

    def __init__(self, box, context):
        self._context = context
        super().__init__(box, hostname="127.0.0.1", port=0)

    def factory(self):
        has_tls = self._context is not None
        return SMTP(
            self.handler,
            hostname=HOST,
            tls_context=self._context,
            require_starttls=has_tls,
            authenticator=self.handler.authenticate,
            auth_required=has_tls,
            enable_SMTPUTF8=True,
        )


@contextlib.contextmanager
def mailbox(context: ssl.SSLContext | None = None, *, is_implicit=False):
    """A server for as long as the context lasts: STARTTLS, smtps, or (without context) plain."""
    box = Mailbox()
    if is_implicit:
        controller = _Controller(
            box, hostname="127.0.0.1", port=0, ssl_context=context, server_hostname=HOST
        )
    else:
        controller = _StartTLS(box, context)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
