"""How long what has left the receiver is kept: until nobody asks for it, and not for ever."""

from typing import Any, Final

from sqlalchemy import Connection, Select, delete, exists, select, tuple_

from phonehome_cloud.core.telling.effect import WAITING
from phonehome_cloud.core.tickets import OPEN_STATES

from .dialects import take_turn
from .schema import effect, effect_attempt, ticket
from .telling_tables import posted

_TURN: Final = "retention of effects"


def forget_effects(
    connection: Connection, before_at: int, limit: int, after: tuple[int, str] = (0, "")
) -> tuple[int, tuple[int, str] | None]:
    """Forget effects that ended before a moment, with their attempts and names, oldest first.

    At most `limit` are looked at, those behind `after`, (created_at, key). Returns how many are
    gone, and where to go on; None at the end, and while another receiver does this.

    What is about an open ticket stays: its thread goes on, and its keys must not be free again.
    """
    if not take_turn(connection, _TURN):
        return 0, None
    rows = connection.execute(make_query(before_at, limit, after)).all()
    keys = [row.key for row in rows if row.may_go]
    for table in (effect_attempt, posted, effect):
        if keys:
            connection.execute(delete(table).where(table.c.key.in_(keys)))
    more = (rows[-1].created_at, rows[-1].key) if len(rows) == limit else None
    return len(keys), more


def make_query(before_at: int, limit: int, after: tuple[int, str]) -> Select[Any]:
    """What was written before a moment, and whether it may go: by the index of what is newest,
    whose other end is the oldest; nothing ends before it is written.
    """
    columns = effect.c
    is_open = exists().where(
        ticket.c.device == columns.device,
        ticket.c.number == columns.ticket,
        ticket.c.state.in_(OPEN_STATES),
    )
    may_go = (columns.state != WAITING) & (columns.ended_at < before_at) & ~is_open
    order = columns.created_at, columns.key
    return (
        select(columns.key, columns.created_at, may_go.label("may_go"))
        .where(columns.created_at < before_at, tuple_(*order) > after)
        .order_by(*order)
        .limit(limit)
    )
