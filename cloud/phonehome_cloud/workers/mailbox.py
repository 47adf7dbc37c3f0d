"""The mailbox that calendars answer to and letters come back to, read over IMAP, never changed.

imap-tools: folders, quoting and the states of a connection; it blocks, so it has a thread of its
own. Nothing is marked in the mailbox, which people may read as well: what was read is known by its
UID while this process lives, and by its Message-ID for ever.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from imaplib import IMAP4
from typing import Any, Final, Protocol

from phonehome_cloud.core.visiting.postbox import IMPLICIT, PLAIN, Postbox
from phonehome_cloud.core.visiting.replies import MAX_MAIL_BYTES
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import mails
from phonehome_cloud.store.database import Database

_LOG = logging.getLogger(__name__)
_WITHIN_S: Final = 30.0  # for each word of the server
_DAYS: Final = 14  # a process that starts reads so far back
_BATCH: Final = 100

Mails = list[tuple[int, bytes]]  # uid, the bytes up to MAX_MAIL_BYTES


class Counters(Protocol):
    """Where answers are counted."""

    def count_visit(self, what: str) -> None:
        """Something became of a visit."""


class Mailbox:
    """Reads new mails, and gives each to the store in a transaction of its own."""

    def __init__(
        self,
        database: Database,
        postbox: Postbox,
        tls: ssl.SSLContext | None,
        every_s: float,
        clock: Callable[[], int],
        counters: Counters,
    ) -> None:
        self._database = database
        self._postbox = postbox
        self._tls = tls
        self._every_s = every_s
        self._clock = clock
        self._counters = counters
        self._validity = ""
        self._last_uid = 0

    async def run(self) -> None:
        """Look until cancelled; a server or a database that is away is asked again."""
        from imap_tools.errors import ImapToolsError  # noqa: PLC0415 - only with a mailbox

        passing = OSError, IMAP4.error, ImapToolsError, StoreUnavailableError
        while True:
            try:
                while await self.step() == _BATCH:
                    pass
            except passing as error:
                _LOG.warning("the mailbox cannot be read: %s", _say(error))
            await asyncio.sleep(self._every_s)

    async def step(self) -> int:
        """Read what is new, at most a batch; returns how many mails that were."""
        found = await asyncio.to_thread(self._fetch)
        for uid, raw in found:
            try:
                outcome = await self._database.write(mails.take, raw, self._clock())
            except StoreUnavailableError:
                raise
            except Exception:  # noqa: BLE001 - one mail must not hold up all others
                _LOG.exception("mail %d of the mailbox could not be taken", uid)
                outcome = "failed"
            self._last_uid = uid
            if outcome and outcome != mails.NO_ANSWER:
                _LOG.info("a mail of the mailbox: %s", outcome)
                self._counters.count_visit(outcome.partition(":")[0].replace(" ", "_"))
        return len(found)

    def _fetch(self) -> Mails:
        """In a thread: new mails, oldest first."""
        with self._open() as box:
            status = box.folder.status(self._postbox.folder, ["UIDVALIDITY"])
            if (validity := str(status["UIDVALIDITY"])) != self._validity:
                self._validity, self._last_uid = validity, 0
            since = datetime.fromtimestamp(self._clock() / 1000, UTC) - timedelta(days=_DAYS)
            days = f"SINCE {since:%d}-{_MONTHS[since.month - 1]}-{since:%Y}"
            wanted = f"UID {self._last_uid + 1}:* {days}"
            # "n:*" names the last mail even when its number is lower (RFC 9051, 6.4.4).
            uids = [uid for uid in map(int, box.uids(wanted)) if uid > self._last_uid]
            return [(uid, _fetch_one(box, uid)) for uid in sorted(uids)[:_BATCH]]

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import imap_tools  # noqa: PLC0415 - only with a mailbox

        of = self._postbox
        address = of.host, of.port, _WITHIN_S
        if of.scheme == PLAIN:
            box: Any = imap_tools.MailBoxUnencrypted(*address)
        elif of.scheme == IMPLICIT:
            box = imap_tools.MailBox(*address, ssl_context=self._tls)
        else:
            box = imap_tools.MailBoxStartTls(*address, ssl_context=self._tls)
        with box.login(of.user, of.password, initial_folder=None):
            box.folder.set(of.folder, readonly=True)
            yield box


def _fetch_one(box: Any, uid: int) -> bytes:
    """The beginning of a mail, unmarked; empty when it is gone."""
    _, answer = box.client.uid("fetch", str(uid), f"(BODY.PEEK[]<0.{MAX_MAIL_BYTES}>)")
    return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), b"")


def _say(error: BaseException) -> str:
    """An error of the server without what we said to it."""
    return f"{type(error).__name__}: {str(error)[:200]}"


# IMAP's names, whatever the locale of this process.
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
