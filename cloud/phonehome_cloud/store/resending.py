"""Sending again by hand: what was given up, or what a webhook was sent, under the keys it has."""

from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Text, cast, update

from phonehome_cloud.core.telling.effect import DEAD, MERGED, SENT, WAITING, WEBHOOK
from phonehome_cloud.errors import ConflictError

from . import hooks, outbox
from .schema import effect

# What a person has tried again is worth so much more time.
_AGAIN_MS: Final = 4 * 86_400_000
_BLANK: Final = "{}"  # what an effect says whose reader was erased


def retry(connection: Connection, key: str, now_at: int) -> RowMapping:
    """Send one again: what was given up or taken back, or a webhook that was sent.

    NotFoundError; ConflictError with the reason why it cannot be.
    """
    row = outbox.expect(connection, key)
    reason = _why_not(connection, row)
    if reason is not None:
        raise ConflictError(f"effect {key} is {row['state']}: {reason}")
    connection.execute(update(effect).where(effect.c.key == key).values(_again(now_at)))
    return outbox.expect(connection, key)


def _why_not(connection: Connection, row: RowMapping) -> str | None:
    if row["state"] == WAITING:
        return "it goes when it is due"
    if row["state"] == MERGED:
        return f"digest {row['digest']} has told it"
    if not row["data"]:
        return "who it was for was erased, and what it said with them"
    if row["kind"] != WEBHOOK:
        return "its reader has it, and a letter is sent once" if row["state"] == SENT else None
    hook = hooks.maybe_for(connection, row["recipient"])
    return f"there is no webhook for {row['recipient']}" if hook is None else _why_off(hook)


def _why_off(hook: RowMapping) -> str | None:
    if hook["disabled_at"] is None:
        return None
    return f"webhook {hook['webhook']} is disabled ({hook['disabled_because']}): enable it first"


def replay(connection: Connection, name: str, since_at: int, now_at: int) -> int:
    """Send everything again that a webhook was sent, or should have been, since a moment.

    Returns how many events; NotFoundError, and ConflictError for one that is disabled.
    """
    hook = hooks.expect(connection, name)
    reason = _why_off(hook)
    if reason is not None:
        raise ConflictError(reason)
    columns = effect.c
    changed = connection.execute(
        update(effect)
        .where(
            columns.kind == WEBHOOK,
            columns.recipient == (hook["audience"] or f"hook:{name}"),
            columns.state.in_((SENT, DEAD)),
            columns.ended_at >= since_at,
            cast(columns.data, Text) != _BLANK,
        )
        .values(_again(now_at))
    )
    return changed.rowcount


def _again(now_at: int) -> dict[str, Any]:
    cleared = dict.fromkeys(("leased_until", "failure", "ended_at"))
    return {**cleared, "state": WAITING, "due_at": now_at, "expires_at": now_at + _AGAIN_MS}
