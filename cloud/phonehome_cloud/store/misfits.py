"""What could not be read or digested, for people: listed, shown, and given another try."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)

from phonehome_cloud.errors import NotFoundError

from .schema import archive, fault_event, message, quarantine, record, ticket

RecordName = tuple[str, int, int]  # incarnation, boot, seq
QuarantinePlace = tuple[int, str, bytes]  # received_at, device, hash
LetterPlace = tuple[int, str, str, int, int]  # received_at, device, incarnation, boot, seq

_LETTER = tuple(
    record.c[name]
    for name in ("device", "inc", "boot", "seq", "rtype", "received_at", "digested_at")
)


def list_quarantined(
    connection: Connection, device: str | None, after: QuarantinePlace | None, limit: int
) -> Sequence[RowMapping]:
    """The next things that are authentic and unreadable, newest first; without their bytes."""
    columns = [column for column in quarantine.c if column.name != "raw"]
    return _newest(connection, quarantine, columns, ("hash",), device, after, limit, [])


def list_dead(
    connection: Connection, device: str | None, after: LetterPlace | None, limit: int
) -> Sequence[RowMapping]:
    """The next records that the digest has set aside, newest first."""
    columns = [*_LETTER, record.c.digest_failure]
    is_dead = record.c.digest_failure.is_not(None)
    key = ("inc", "boot", "seq")
    return _newest(connection, record, columns, key, device, after, limit, [is_dead])


def _newest(
    connection: Connection,
    table: Table,
    columns: Sequence[Any],
    key: tuple[str, ...],
    device: str | None,
    after: tuple[Any, ...] | None,
    limit: int,
    conditions: list[ColumnElement[bool]],
) -> Sequence[RowMapping]:
    order = [table.c[name] for name in ("received_at", "device", *key)]
    query = select(*columns).where(*conditions)
    if device is not None:
        query = query.where(table.c.device == device)
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*(literal(value) for value in after)))
    query = query.order_by(*(column.desc() for column in order)).limit(limit)
    return connection.execute(query).mappings().all()


def expect_quarantined(connection: Connection, device: str, digest: bytes) -> RowMapping:
    """One thing in quarantine with its bytes; NotFoundError when it is not there."""
    query = select(quarantine).where(quarantine.c.device == device, quarantine.c.hash == digest)
    found = connection.execute(query).mappings().first()
    if found is None:
        raise NotFoundError(f"device {device} has nothing {digest.hex()} in quarantine")
    return found


def tell_whereabouts(connection: Connection, device: str, digest: bytes) -> str:
    """Where else a report may be that is not among the messages: words to put behind that."""
    query = select(quarantine.c.reason).where(
        quarantine.c.device == device, quarantine.c.hash == digest
    )
    if (reason := connection.execute(query).scalar()) is not None:
        return f"; it is in quarantine, because it cannot be read: {reason}"
    files = connection.execute(select(func.count()).select_from(archive)).scalar_one()
    return f"; it may be in one of the {files} files of the archive" if files else ""


def release(connection: Connection, device: str, digest: bytes) -> None:
    """Take something out of quarantine that is stored now."""
    connection.execute(
        delete(quarantine).where(quarantine.c.device == device, quarantine.c.hash == digest)
    )


def find_carrier(connection: Connection, row: RowMapping) -> bytes | None:
    """The signed message that brought a record into quarantine; None when it is gone."""
    query = select(message.c.raw).where(
        message.c.device == row["device"], message.c.received_at == row["received_at"]
    )
    messages = connection.execute(query).scalars()
    return next((bytes(raw) for raw in messages if row["raw"] in bytes(raw)), None)


def retry_record(connection: Connection, device: str, name: RecordName) -> None:
    """Let the digest try a dead letter again; NotFoundError when this record is none."""
    changed = connection.execute(
        update(record)
        .where(*_named(device, name), record.c.digest_failure.is_not(None))
        .values(digested_at=None, digest_failure=None)
    )
    if not changed.rowcount:
        inc, boot, seq = name
        raise NotFoundError(f"record {inc}-{boot}-{seq} of device {device} is no dead letter")


def follow_record(connection: Connection, device: str, name: RecordName) -> dict[str, Any] | None:
    """What became of one record: its row, its fault event, its ticket; None when not stored."""
    columns = [*_LETTER, *(record.c[n] for n in ("digest_failure", "message", "late", "raw"))]
    row = connection.execute(select(*columns).where(*_named(device, name))).mappings().first()
    if row is None:
        return None
    inc, boot, seq = name
    event = fault_event.c
    query = (
        select(event.spn, event.fmi, event.kind, event.event_at, event.ticket, ticket.c.state)
        .join(
            ticket,
            (ticket.c.device == event.device) & (ticket.c.number == event.ticket),
            isouter=True,
        )
        .where(event.device == device, event.inc == inc, event.boot == boot, event.seq == seq)
    )
    return {**row, "fault": connection.execute(query).mappings().first()}


def _named(device: str, name: RecordName) -> list[ColumnElement[bool]]:
    inc, boot, seq = name
    columns = record.c
    return [columns.device == device, columns.inc == inc, columns.boot == boot, columns.seq == seq]
