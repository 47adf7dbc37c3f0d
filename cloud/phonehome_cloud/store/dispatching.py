"""What may leave now: due effects, leased, each with what its sender needs.

One transaction decides for each whether it goes, waits (quiet hours, caps), becomes part of a
digest or is given up, and writes that down before anything is sent.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from phonehome_cloud.core.telling.effect import (
    CANCELLED,
    DEAD,
    DIGEST,
    MAIL,
    NOTICE,
    SAFETY,
    WEBHOOK,
    Effect,
)
from phonehome_cloud.core.telling.timing import DAY_MS, Wishes, may_go_at

from . import contacts, effects, hooks, links, outbox, posting, unreachable
from .care_tables import care
from .contacts import Contact
from .dialects import take_turn
from .notices import OPENED
from .vault import Vault

UNSUBSCRIBE: Final = "unsubscribe"  # the purpose of its links
_OWNER: Final = "owner:"
_DIGEST_NOTICES: Final = 30  # a letter that somebody still reads
_LINK_LASTS_MS: Final = 60 * DAY_MS  # RFC 8058 names no time; CAN-SPAM wants 30 days
_KEY_CHARS: Final = 24


@dataclass(frozen=True, slots=True)
class Post:
    """A letter to send: its effect, whom to, the name it goes under, the names of those that it
    follows, and the token of its way out.
    """

    row: Row[Any]
    contact: Contact
    name: str
    before: tuple[str, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Call:
    """A webhook to send: its effect, its URL, and the secrets that sign it, the newest first."""

    row: Row[Any]
    hook: str
    url: str
    secrets: tuple[bytes, ...]


Parcel = Post | Call


class _UndeliverableError(Exception):
    """Nobody can be told; the message says why."""


class Dispatcher:
    """Takes what may leave; `usual` is how people are told who said nothing about it."""

    def __init__(self, vault: Vault, usual: Wishes) -> None:
        self._vault = vault
        self._usual = usual

    def take(
        self, connection: Connection, kind: str, limit: int, now_at: int, lease_until: int
    ) -> list[Parcel]:
        """At most `limit` parcels of a kind, leased until then; the rest is not due any more."""
        taken: list[Parcel] = []
        done: set[str] = set()
        for row in outbox.look(connection, kind, limit, now_at):
            if row.key in done:
                continue
            if row.expires_at <= now_at:
                given_up = outbox.expire(connection, row, now_at)
                if row.attempts or row.weight != NOTICE:  # one that a cap has held is no loss
                    unreachable.add(connection, row, given_up, now_at)
                continue
            try:
                parcel = self._address(connection, row, now_at, done)
            except _UndeliverableError as error:
                outbox.end(connection, row.key, DEAD, str(error), now_at)
                unreachable.add(connection, row, str(error), now_at)
                continue
            if parcel is not None:
                outbox.lease(connection, row.key, lease_until)
                taken.append(parcel)
        return taken

    def _address(
        self, connection: Connection, row: Row[Any], now_at: int, done: set[str]
    ) -> Parcel | None:
        if row.kind == WEBHOOK:
            return self._address_call(connection, row, now_at)
        return self._address_post(connection, row, now_at, done)

    def _address_call(self, connection: Connection, row: Row[Any], now_at: int) -> Call:
        hook = hooks.maybe_for(connection, row.recipient)
        if hook is None:
            raise _UndeliverableError(f"there is no webhook for {row.recipient}")
        if hook["disabled_at"] is not None:
            because = f"webhook {hook['webhook']} is disabled: {hook['disabled_because']}"
            raise _UndeliverableError(because)
        secrets = hooks.load_secrets(connection, self._vault, hook["webhook"], now_at)
        return Call(row, hook["webhook"], hook["url"], tuple(secrets))

    def _address_post(
        self, connection: Connection, row: Row[Any], now_at: int, done: set[str]
    ) -> Post | None:
        contact = contacts.maybe_find(connection, row.recipient)
        if contact is None or not contact.mail:
            lacks = "is not there (any more)" if contact is None else "has no mail address"
            raise _UndeliverableError(f"{row.recipient} {lacks}")
        dead = contacts.maybe_suppressed(connection, contact.mail)
        if dead is not None:
            raise _UndeliverableError(f"the address is suppressed: {dead}")
        is_owner = row.recipient.startswith(_OWNER)
        if is_owner and not self._may_go(connection, row, contact, now_at, done):
            return None
        token = ""
        if is_owner and row.weight == NOTICE:
            until_at = now_at + _LINK_LASTS_MS
            token = links.make(connection, UNSUBSCRIBE, row.recipient, until_at)
        before = posting.load_thread(connection, row)
        name = posting.name_of(connection, row.key, contact.mail, now_at)
        return Post(row, contact, name, before, token)

    def _may_go(
        self, connection: Connection, row: Row[Any], contact: Contact, now_at: int, done: set[str]
    ) -> bool:
        """Whether an owner gets this letter now; when not, it is written down what instead."""
        to = row.recipient
        if row.weight == SAFETY:
            return True
        needless = _why_needless(connection, row)
        if needless is not None:
            outbox.end(connection, row.key, CANCELLED, needless, now_at)
            return False
        if not take_turn(connection, f"letters to {to}"):
            return False  # another receiver counts their letters just now
        wishes = contacts.load_wishes(connection, to, contact.zone, self._usual)
        sent_at = outbox.load_sent_at(connection, to, now_at - DAY_MS, now_at)
        go_at = may_go_at(wishes, row.weight, now_at, sent_at)
        if go_at > now_at:
            outbox.hold(connection, row.key, go_at)
            return False
        if row.weight == NOTICE and row.template != DIGEST:
            return not self._merge(connection, to, now_at, done)
        return True

    def _merge(self, connection: Connection, to: str, now_at: int, done: set[str]) -> bool:
        """Whether several notices wait for somebody: then a digest of them is due instead."""
        notices = []
        for row in outbox.load_notices(connection, to, _DIGEST_NOTICES, now_at):
            needless = _why_needless(connection, row)
            if needless is None:
                notices.append(row)
            else:
                outbox.end(connection, row.key, CANCELLED, needless, now_at)
                done.add(row.key)
        if len(notices) < 2:
            return False
        digest = _make_digest(to, notices, now_at)
        effects.add(connection, digest)
        keys = [row.key for row in notices]
        outbox.merge(connection, keys, digest.key, now_at)
        done.update(keys)
        return True


def _why_needless(connection: Connection, row: Row[Any]) -> str | None:
    """Why a notice need not go any more; None when it shall."""
    if row.weight != NOTICE:
        return None
    if contacts.is_unsubscribed(connection, row.recipient):
        return "they want no such letters"
    if row.template != OPENED:
        return None
    if posting.load_thread(connection, row, 1):
        return "they know by another letter"
    of_it = care.c.device == row.device, care.c.ticket == row.ticket
    incident = connection.execute(select(care.c.incident).where(*of_it)).scalar()
    return f"it is part of incident {incident}" if incident else None


def _make_digest(to: str, notices: Sequence[Row[Any]], now_at: int) -> Effect:
    fingerprint = hashlib.sha256(notices[0].key.encode()).hexdigest()[:_KEY_CHARS]
    return Effect(
        key=f"{DIGEST}:{to}:{fingerprint}",
        kind=MAIL,
        to=to,
        template=DIGEST,
        data={"notices": [{"template": row.template, "data": row.data} for row in notices]},
        device=None,
        ticket=None,
        due_at=now_at,
        expires_at=max(row.expires_at for row in notices),
        weight=NOTICE,
    )
