"""The outbox from the other side: taking what is due, and writing down what became of it.

Receivers share it row by row. Each takes effects that no other one has in hand and leases them:
when it is gone before it has said how they ended, another one has them when the lease is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, case, func, or_, select, tuple_, update

from phonehome_cloud.core.telling.effect import (
    DEAD,
    DIGEST,
    MAIL,
    MERGED,
    NOTICE,
    SAFETY,
    SENT,
    WAITING,
)
from phonehome_cloud.errors import NotFoundError

from .dialects import insert
from .schema import effect, effect_attempt

COUNT_CAP: Final = 10_001
_EXPIRED: Final = "expired before it could be sent"
_HIDDEN: Final = frozenset(("data", "attachments", "leased_until"))
_SHOWN: Final = tuple(column for column in effect.c if column.name not in _HIDDEN)
_columns = effect.c
_IS_WAITING: Final = _columns.state == WAITING


@dataclass(frozen=True, slots=True)
class Backlog:
    """What should have been sent, the oldest since `since_at` (None: nothing); what was given up.

    What was tried in vain counts from when it was written, although it is not due at the moment.
    """

    waiting: int
    since_at: int | None
    dead: int


def has_due(connection: Connection, kind: str, now_at: int) -> bool:
    """Whether there is anything to take."""
    query = select(_columns.key).where(_columns.kind == kind, _is_free(now_at)).limit(1)
    return connection.execute(query).first() is not None


def look(connection: Connection, kind: str, limit: int, now_at: int) -> Sequence[Row[Any]]:
    """What is due and in nobody's hand, oldest first; ours until this transaction ends."""
    query = select(effect).where(_columns.kind == kind, _is_free(now_at))
    query = query.order_by(_columns.due_at, _columns.key)
    return connection.execute(query.limit(limit).with_for_update(skip_locked=True)).all()


def _is_free(now_at: int) -> Any:
    is_unleased = or_(_columns.leased_until.is_(None), _columns.leased_until <= now_at)
    return _IS_WAITING & (_columns.due_at <= now_at) & is_unleased


def lease(connection: Connection, key: str, until_at: int) -> None:
    """Have it in hand until then; that is one more attempt."""
    _change(connection, key, leased_until=until_at, attempts=_columns.attempts + 1)


def hold(connection: Connection, key: str, until_at: int) -> None:
    """It is not due before then."""
    _change(connection, key, due_at=until_at, leased_until=None)


def hold_others(connection: Connection, row: Row[Any], until_at: int) -> None:
    """What else goes to the same receiver waits, too: it has just failed."""
    connection.execute(
        update(effect)
        .where(
            _IS_WAITING,
            _columns.due_at < until_at,
            _columns.kind == row.kind,
            _columns.recipient == row.recipient,
            _columns.leased_until.is_(None),
        )
        .values(due_at=until_at)
    )


def end(connection: Connection, key: str, state: str, failure: str | None, now_at: int) -> None:
    """It is over: DEAD or CANCELLED with its reason."""
    _change(connection, key, state=state, failure=failure, ended_at=now_at, leased_until=None)


def merge(connection: Connection, keys: Sequence[str], digest: str, now_at: int) -> None:
    """These are told by a digest, which is an effect of its own."""
    values = {"state": MERGED, "digest": digest, "ended_at": now_at, "leased_until": None}
    connection.execute(update(effect).where(_columns.key.in_(keys)).values(values))


def _change(connection: Connection, key: str, **values: Any) -> None:
    connection.execute(update(effect).where(_columns.key == key, _IS_WAITING).values(values))


def load_notices(connection: Connection, to: str, limit: int, now_at: int) -> Sequence[Row[Any]]:
    """Notices that somebody could be told now, oldest first, ours until this transaction ends."""
    query = (
        select(effect)
        .where(
            _is_free(now_at),
            _columns.recipient == to,
            _columns.weight == NOTICE,
            _columns.kind == MAIL,
            _columns.template != DIGEST,
        )
        .order_by(_columns.due_at, _columns.key)
        .limit(limit)
    )
    return connection.execute(query.with_for_update(skip_locked=True)).all()


def load_sent_at(connection: Connection, to: str, since_at: int, now_at: int) -> list[int]:
    """When somebody was sent letters that count for their cap; those in hand count as sent."""
    counts = (_columns.recipient == to) & (_columns.kind == MAIL) & (_columns.weight != SAFETY)
    sent = select(_columns.ended_at).where(
        counts, _columns.state == SENT, _columns.ended_at > since_at
    )
    found = [int(at) for at in connection.execute(sent).scalars() if at is not None]
    in_hand = select(func.count()).where(counts, _IS_WAITING, _columns.leased_until > now_at)
    return found + [now_at] * int(connection.execute(in_hand).scalar_one())


def finish_sent(connection: Connection, row: Row[Any], detail: str, at: int, took_ms: int) -> None:
    """The receiver has it, whoever took it since."""
    _note(connection, row, at, took_ms, SENT, detail)
    _change(connection, row.key, state=SENT, failure=None, ended_at=at, leased_until=None)


def finish_later(
    connection: Connection, row: Row[Any], reason: str, at: int, took_ms: int, next_at: int
) -> str | None:
    """It is tried again at `next_at`; the reason when it is given up, as that is after its end."""
    _note(connection, row, at, took_ms, "retry", reason)
    if not _is_ours(connection, row):
        return None
    if next_at < row.expires_at:
        _change(connection, row.key, due_at=next_at, failure=reason, leased_until=None)
        return None
    failure = f"{_EXPIRED}; the last try: {reason}"
    end(connection, row.key, DEAD, failure, at)
    return failure


def finish_dead(connection: Connection, row: Row[Any], reason: str, at: int, took_ms: int) -> bool:
    """It cannot be sent; False when it was not ours to say any more."""
    _note(connection, row, at, took_ms, DEAD, reason)
    is_ours = _is_ours(connection, row)
    if is_ours:
        end(connection, row.key, DEAD, reason, at)
    return is_ours


def bounce(connection: Connection, key: str, reason: str, at: int) -> bool:
    """A letter that was sent came back: it is dead with that reason; False when it was already."""
    changed = connection.execute(
        update(effect)
        .where(_columns.key == key, _columns.state.in_((SENT, WAITING)))
        .values(state=DEAD, failure=reason, ended_at=at, leased_until=None)
    )
    if changed.rowcount:
        note_word(connection, key, DEAD, reason, at)
    return bool(changed.rowcount)


def note_word(connection: Connection, key: str, outcome: str, reason: str, at: int) -> None:
    """What somebody said of an effect after it had gone: one more line of how it went."""
    of_it = _columns.key == key
    connection.execute(update(effect).where(of_it).values(attempts=_columns.attempts + 1))
    number = connection.execute(select(_columns.attempts).where(of_it)).scalar_one()
    given = {"key": key, "number": number, "at": at, "took_ms": 0}
    connection.execute(effect_attempt.insert().values(**given, outcome=outcome, reason=reason))


def expire(connection: Connection, row: Row[Any], now_at: int) -> str:
    """Give up what is too late; the reason."""
    failure = _EXPIRED + (f"; the last try: {row.failure}" if row.failure else "")
    end(connection, row.key, DEAD, failure, now_at)
    return failure


def _is_ours(connection: Connection, row: Row[Any]) -> bool:
    """Whether nobody took or ended it since: what they find out counts, not what we did."""
    query = select(_columns.attempts).where(_columns.key == row.key, _IS_WAITING).with_for_update()
    return bool(connection.execute(query).scalar() == row.attempts + 1)


def _note(
    connection: Connection, row: Row[Any], at: int, took_ms: int, outcome: str, reason: str
) -> None:
    """Write the attempt down; `row` is as it was before it was leased."""
    values = {
        "key": row.key,
        "number": row.attempts + 1,
        "at": at,
        "took_ms": took_ms,
        "outcome": outcome,
        "reason": reason,
    }
    connection.execute(insert(connection, effect_attempt).values(values).on_conflict_do_nothing())


def load_backlog(connection: Connection, now_at: int) -> Backlog:
    """How much waits and how much was given up, both counted up to COUNT_CAP."""
    was_tried = _columns.attempts > 0
    since_at = case((was_tried, _columns.created_at), else_=_columns.due_at).label("since_at")
    late = select(since_at).where(_IS_WAITING, or_(_columns.due_at <= now_at, was_tried))
    some = late.limit(COUNT_CAP).subquery()
    waiting, since = connection.execute(
        select(func.count(), func.min(some.c.since_at)).select_from(some)
    ).one()
    dead = select(_columns.key).where(_columns.state == DEAD).limit(COUNT_CAP).subquery()
    given_up = connection.execute(select(func.count()).select_from(dead)).scalar_one()
    return Backlog(int(waiting), since, int(given_up))


def list_effects(
    connection: Connection, wanted: dict[str, Any], after: tuple[int, str] | None, limit: int
) -> Sequence[RowMapping]:
    """The next effects, newest first, without what they carry; `wanted` are columns to match."""
    query = select(*_SHOWN).where(*(_columns[name] == value for name, value in wanted.items()))
    order = _columns.created_at, _columns.key
    if after is not None:
        query = query.where(tuple_(*order) < after)
    query = query.order_by(*(column.desc() for column in order)).limit(limit)
    return connection.execute(query).mappings().all()


def expect(connection: Connection, key: str) -> RowMapping:
    """One effect with what it carries; NotFoundError when there is none."""
    found = connection.execute(select(effect).where(_columns.key == key)).mappings().first()
    if found is None:
        raise NotFoundError(f"there is no effect {key}")
    return found


def list_attempts(connection: Connection, key: str) -> Sequence[RowMapping]:
    """How each try of an effect went, the first one first."""
    query = select(effect_attempt).where(effect_attempt.c.key == key)
    return connection.execute(query.order_by(effect_attempt.c.number)).mappings().all()
