"""Who packs the parts of an action: our depot, one supplier, or several, each some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from phonehome_cloud.core.acting.part_orders import Line
from phonehome_cloud.core.caring import ActionKey, StartError
from phonehome_cloud.core.people.stock import Availability
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import people


@dataclass(frozen=True, slots=True)
class Source:
    """Who packs some lines: a supplier, None for our depot; `kept` are reservations by part."""

    supplier: str | None
    lines: Sequence[Line]
    kept: Mapping[str, str] = field(default_factory=dict)


def find_sources(
    connection: Connection, action: ActionKey, lines: Sequence[Line], now_at: int
) -> list[Source]:
    """The fewest who have it all together; what our depot gives is reserved.

    StartError for a part that nobody has.
    """
    try:
        with connection.begin_nested():
            return [_keep(connection, action, lines, now_at)]
    except ConflictError:
        known = {line.part: people.availability(connection, line.part, now_at) for line in lines}
    suppliers = {part.supplier if part.days is not None else None for part in known.values()}
    if len(suppliers) == 1 and None not in suppliers:
        return by_supplier(lines, known)
    here, lacking = _keep_some(connection, action, lines, now_at)
    missing = [x.part for x in lacking if known[x.part].days is None or not known[x.part].supplier]
    if missing:
        raise StartError(f"nobody has part {', '.join(missing)}")
    return [*([here] if here.lines else []), *by_supplier(lacking, known)]


def _keep(connection: Connection, action: ActionKey, lines: Sequence[Line], now_at: int) -> Source:
    """Everything from our depot; ConflictError when it has not as many."""
    of = action.device, action.ticket
    given = {
        line.part: people.reserve(connection, line.part, line.count, now_at, of) for line in lines
    }
    return Source(None, lines, given)


def _keep_some(
    connection: Connection, action: ActionKey, lines: Sequence[Line], now_at: int
) -> tuple[Source, list[Line]]:
    """What our depot has of them, and what it has not."""
    here: list[Line] = []
    kept: dict[str, str] = {}
    for line in lines:
        try:
            with connection.begin_nested():
                kept |= _keep(connection, action, [line], now_at).kept
        except ConflictError:
            continue
        here.append(line)
    return Source(None, here, kept), [line for line in lines if line.part not in kept]


def by_supplier(lines: Sequence[Line], known: Mapping[str, Availability]) -> list[Source]:
    """One source for each supplier, in the order of their first lines."""
    found: dict[str | None, list[Line]] = {}
    for line in lines:
        found.setdefault(known[line.part].supplier, []).append(line)
    return [Source(supplier, mine) for supplier, mine in found.items()]
