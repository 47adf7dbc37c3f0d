"""Mails of the mailbox: each is read once: a letter that came back, an answer, or nothing."""

from typing import Final

from sqlalchemy import Connection, delete

from phonehome_cloud.core.telling.bounces import read_bounce
from phonehome_cloud.core.visiting.replies import ReplyError, read_mail

from . import bouncing, visit_replies
from .dialects import insert
from .visit_tables import calendar_reply

NO_ANSWER: Final = "no answer to an invitation"
_MAX_OUTCOME: Final = 120


def take(connection: Connection, raw: bytes, now_at: int) -> str | None:
    """Read one mail; returns what came of it, None when it was read before.

    The same mail twice, on whatever receiver, is one: its identity is a key.
    """
    reply, outcome = None, NO_ANSWER
    try:
        identity, reply = read_mail(raw)
    except ReplyError as error:
        outcome, identity = f"refused: {error.args[0]}", error.args[1]
    row = {"hash": identity, "read_at": now_at, "outcome": ""}
    statement = insert(connection, calendar_reply).values(row).on_conflict_do_nothing()
    if connection.execute(statement.returning(calendar_reply.c.hash)).first() is None:
        return None
    if (bounce := read_bounce(raw)) is not None:
        outcome = bouncing.take(connection, bounce, now_at)
    elif reply is not None:
        outcome = visit_replies.answer(connection, reply, now_at)
    connection.execute(
        calendar_reply.update()
        .where(calendar_reply.c.hash == identity)
        .values(outcome=outcome[:_MAX_OUTCOME])
    )
    return outcome


def forget_read(connection: Connection, before_at: int) -> int:
    """Forget mails that were read before a moment; returns how many that were."""
    old = calendar_reply.c.read_at < before_at
    return connection.execute(delete(calendar_reply).where(old)).rowcount
