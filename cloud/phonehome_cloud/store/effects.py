"""The outbox of effects: written with what they follow from, taken when that is committed."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, update

from phonehome_cloud.core.telling.effect import CANCELLED, WAITING, Attachment, Effect

from .bulk import insert_new
from .columns import to_json
from .gathering import put
from .schema import effect as table

__all__ = ["Attachment", "Effect", "add", "add_all", "cancel", "forget"]

_ERASED: Final = "its reader is erased"


def add(connection: Connection, effect: Effect, now_at: int | None = None) -> None:
    """Write an effect in the caller's transaction; a key that is there already adds nothing.

    `now_at` is when that was decided, unix ms; without it, `effect.due_at`.
    """
    add_all(connection, [effect], now_at)


def add_all(connection: Connection, wanted: Iterable[Effect], now_at: int | None = None) -> None:
    """The same for many effects, in one statement."""
    rows = {effect.key: _row(effect, now_at) for effect in wanted}
    put(connection, insert_new, table, _COLUMNS, rows.values())


_COLUMNS: Final = (
    "key",
    "kind",
    "recipient",
    "template",
    "data",
    "attachments",
    "weight",
    "device",
    "ticket",
    "created_at",
    "due_at",
    "expires_at",
    "state",
    "attempts",
)


def _row(effect: Effect, now_at: int | None) -> tuple[Any, ...]:
    return (
        effect.key,
        effect.kind,
        effect.to,
        effect.template,
        to_json(dict(effect.data)),
        to_json([each.to_json() for each in effect.attachments]),
        effect.weight,
        effect.device,
        effect.ticket,
        effect.due_at if now_at is None else now_at,
        effect.due_at,
        effect.expires_at,
        WAITING,
        0,
    )


def cancel(connection: Connection, key: str, reason: str, now_at: int) -> bool:
    """Take back an effect that nobody has begun to send; False when it is too late for that."""
    columns = table.c
    is_free = columns.state == WAITING, columns.leased_until.is_(None)
    changed = connection.execute(
        update(table)
        .where(columns.key == key, *is_free)
        .values(state=CANCELLED, failure=reason, ended_at=now_at)
    )
    return bool(changed.rowcount)


def forget(connection: Connection, to: str, now_at: int) -> int:
    """Nothing more goes to somebody, and of what went only keys and times stay (GDPR).

    Returns how many effects that were.
    """
    columns = table.c
    blank: dict[str, Any] = {"data": {}, "attachments": []}
    connection.execute(
        update(table)
        .where(columns.recipient == to, columns.state == WAITING)
        .values(state=CANCELLED, failure=_ERASED, ended_at=now_at)
    )
    changed = connection.execute(update(table).where(columns.recipient == to).values(blank))
    return changed.rowcount
