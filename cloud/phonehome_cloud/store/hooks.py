"""Webhooks: where events go, and the sealed secrets that sign them."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, func, or_, select, update

from phonehome_cloud.core.telling.effect import WEBHOOK, Effect
from phonehome_cloud.errors import ConflictError, NotFoundError

from .dialects import insert, wait_for_turn
from .effects import add_all as add_effects
from .schema import webhook, webhook_secret
from .vault import Vault

SECRET_BYTES: Final = 32  # Standard Webhooks 1.0 wants 24 to 64
_ID_BYTES: Final = 8
_DAY_MS: Final = 86_400_000
_EVENT_LASTS_MS: Final = 4 * _DAY_MS  # a receiver that was down over a long weekend misses nothing


def hook_binding(hook: str, number: int) -> str:
    """The name under which a secret of a webhook is sealed."""
    return f"secret {number} of webhook {hook}"


def add(connection: Connection, vault: Vault, row: Mapping[str, Any]) -> tuple[str, bytes]:
    """A new webhook of these columns; returns its id and its secret, which is told this once.

    ConflictError when its audience has one.
    """
    hook = secrets.token_hex(_ID_BYTES)
    statement = insert(connection, webhook).values(webhook=hook, **row)
    added = statement.on_conflict_do_nothing().returning(webhook.c.webhook)
    if connection.execute(added).first() is None:
        raise ConflictError(f"audience {row['audience']!r} has a webhook: change or remove that")
    return hook, _add_secret(connection, vault, hook, 1, row["created_at"])


def rotate(connection: Connection, vault: Vault, hook: str, now_at: int, old_until: int) -> bytes:
    """A new secret; those before it sign beside it until `old_until`. Returns the new one."""
    wait_for_turn(connection, f"webhook {hook}")
    expect(connection, hook)
    columns = webhook_secret.c
    ours = columns.webhook == hook
    last = connection.execute(select(func.max(columns.number)).where(ours)).scalar_one()
    connection.execute(delete(webhook_secret).where(ours, columns.expires_at <= now_at))
    connection.execute(
        update(webhook_secret)
        .where(ours, or_(columns.expires_at.is_(None), columns.expires_at > old_until))
        .values(expires_at=old_until)
    )
    return _add_secret(connection, vault, hook, last + 1, now_at)


def _add_secret(
    connection: Connection, vault: Vault, hook: str, number: int, now_at: int
) -> bytes:
    secret, sealer = secrets.token_bytes(SECRET_BYTES), vault.sealer()
    sealed = sealer.seal(hook_binding(hook, number), secret)
    row = {"webhook": hook, "number": number, "sealed": sealed, "master": sealer.master}
    connection.execute(webhook_secret.insert().values(created_at=now_at, **row))
    return secret


def load_secrets(connection: Connection, vault: Vault, hook: str, now_at: int) -> list[bytes]:
    """What signs now, the newest first."""
    columns = webhook_secret.c
    query = select(webhook_secret).where(columns.webhook == hook)
    rows = connection.execute(query.order_by(columns.number.desc())).all()
    return [
        vault.open(hook_binding(hook, row.number), row.sealed, row.master)
        for row in rows
        if row.expires_at is None or row.expires_at > now_at
    ]


def expect(connection: Connection, hook: str) -> RowMapping:
    """One webhook, NotFoundError when there is none."""
    found = connection.execute(select(webhook).where(webhook.c.webhook == hook)).mappings()
    row = found.first()
    if row is None:
        raise NotFoundError(f"there is no webhook {hook}")
    return row


def maybe_for(connection: Connection, to: str) -> RowMapping | None:
    """The webhook that an effect's `to` means: hook:ID, or the audience itself."""
    kind, _, name = to.partition(":")
    is_meant = webhook.c.webhook == name if kind == "hook" else webhook.c.audience == to
    query = select(webhook).where(is_meant)
    return connection.execute(query).mappings().first()


def list_all(connection: Connection) -> Sequence[RowMapping]:
    """Every webhook, the oldest first; there are as many as somebody wrote down by hand."""
    query = select(webhook).order_by(webhook.c.created_at, webhook.c.webhook)
    return connection.execute(query).mappings().all()


def change(connection: Connection, hook: str, values: Mapping[str, Any]) -> RowMapping:
    """Set columns of a webhook; returns all of it."""
    if values:
        connection.execute(update(webhook).where(webhook.c.webhook == hook).values(values))
    return expect(connection, hook)


def disable(connection: Connection, hook: str, because: str, now_at: int) -> None:
    """Send nothing more there until a person enables it."""
    is_on = webhook.c.disabled_at.is_(None)
    connection.execute(
        update(webhook)
        .where(webhook.c.webhook == hook, is_on)
        .values(disabled_at=now_at, disabled_because=because)
    )


def remove(connection: Connection, hook: str) -> None:
    """Forget a webhook and its secrets; what waits for it is given up when its turn comes."""
    expect(connection, hook)
    connection.execute(delete(webhook_secret).where(webhook_secret.c.webhook == hook))
    connection.execute(delete(webhook).where(webhook.c.webhook == hook))


def announce(
    connection: Connection,
    key: str,
    event: str,
    data: Mapping[str, Any],
    device: str | None,
    ticket: int | None,
    now_at: int,
) -> int:
    """Write one effect for each webhook that subscribes to this type of event; returns how many.

    The same key again adds nothing. A type is dotted words ("ticket.resolved").
    """
    made = compose(list_all(connection), key, event, data, device, ticket, now_at)
    add_effects(connection, made)
    return len(made)


def compose(
    known: Sequence[RowMapping],
    key: str,
    event: str,
    data: Mapping[str, Any],
    device: str | None,
    ticket: int | None,
    at: int,
) -> list[Effect]:
    """The effects of an event, one for each of these webhooks that subscribes to its type."""
    return [
        Effect(
            key=f"{key}:{row['webhook']}",
            kind=WEBHOOK,
            to=f"hook:{row['webhook']}",
            template=event,
            data=data,
            device=device,
            ticket=ticket,
            due_at=at,
            expires_at=at + _EVENT_LASTS_MS,
        )
        for row in known
        if _wants(row, event)
    ]


def _wants(row: RowMapping, event: str) -> bool:
    """Whether a webhook subscribes: to the type itself, to a start of it, or to all by none."""
    if row["audience"] is not None or row["disabled_at"] is not None:
        return False
    words = row["events"]
    return not words or any(
        event == word or (word.endswith(".") and event.startswith(word)) for word in words
    )
