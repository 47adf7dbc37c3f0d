"""Faults: where each one stands, and every transition it made."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, select

from phonehome_cloud.core.digesting import Standing, is_late
from phonehome_cloud.core.fingerprint import fingerprint_of
from phonehome_cloud.core.transitions import RecordHead, Transition
from phonehome_wire.registry import RTYPE_CRASH

from .bulk import insert_rows, upsert
from .columns import to_json
from .dialects import fetch_among, insert
from .schema import device_event, fault, fault_event, manifest, session

_SAID = (
    "spn",
    "fmi",
    "kind",
    "status",
    "occurrence",
    "severity",
    "channel",
    "exp",
    "value",
    "limit",
    "failing_ms",
)
_said = attrgetter(*_SAID)
_EVENT = (
    "device",
    "inc",
    "boot",
    "seq",
    *_SAID,
    "has_frame",
    "context",
    "event_at",
    "uncertainty_ms",
    "time_quality",
    "received_at",
    "late",
    "ticket",
)
_STANDING = (
    "device",
    "spn",
    "fmi",
    "inc",
    "inc_seen_at",
    "boot",
    "seq",
    "kind",
    "status",
    "occurrence",
    "event_at",
)

RecordKey = tuple[str, str, int, int]  # device, inc, boot, seq
FaultKey = tuple[str, int, int]  # device, spn, fmi


def load_standings(connection: Connection, keys: Collection[FaultKey]) -> dict[FaultKey, Standing]:
    """Where these faults stand."""
    columns = fault.c.device, fault.c.spn, fault.c.fmi
    names = "inc_seen_at", "boot", "seq", "kind", "event_at"
    rows = fetch_among(connection, columns, keys, *columns, *(fault.c[name] for name in names))
    return {
        (dev, spn, fmi): Standing((seen_at, boot, seq), kind, at)
        for dev, spn, fmi, seen_at, boot, seq, kind, at in rows
    }


def save_standings(connection: Connection, newest: Collection[Transition]) -> None:
    """Move these faults to their newest transition."""
    upsert(connection, fault, _STANDING, [_standing_row(transition) for transition in newest])


def _standing_row(transition: Transition) -> tuple[Any, ...]:
    head = transition.head
    return (
        head.device,
        transition.spn,
        transition.fmi,
        head.inc,
        head.inc_seen_at,
        head.boot,
        head.seq,
        transition.kind,
        transition.status,
        transition.occurrence,
        head.time.at,
    )


def add_fault_events(
    connection: Connection, events: Sequence[tuple[Transition, int | None]]
) -> None:
    """Append transitions, each with the number of the ticket it touched."""
    rows = [_event_row(transition, ticket) for transition, ticket in events]
    insert_rows(connection, fault_event, _EVENT, rows)


def _event_row(transition: Transition, ticket: int | None) -> tuple[Any, ...]:
    head, time = transition.head, transition.head.time
    return (
        head.device,
        head.inc,
        head.boot,
        head.seq,
        *_said(transition),
        transition.has_frame,
        transition.context and to_json(transition.context),
        time.at,
        time.uncertainty_ms,
        time.quality,
        head.received_at,
        is_late(transition),
        ticket,
    )


def add_device_events(
    connection: Connection, events: Sequence[tuple[RecordHead, int, Any]]
) -> None:
    """Append hellos, crashes, logs and results as (head, record type, named body), each once."""
    rows = [
        _when(head) | {"rtype": rtype, "body": body, "fingerprint": _fingerprint(rtype, body)}
        for head, rtype, body in events
    ]
    if rows:
        connection.execute(insert(connection, device_event).on_conflict_do_nothing(), rows)


def _fingerprint(rtype: int, body: Any) -> str | None:
    return fingerprint_of(body) if rtype == RTYPE_CRASH else None


def _when(head: RecordHead) -> dict[str, Any]:
    return {
        "device": head.device,
        "inc": head.inc,
        "boot": head.boot,
        "seq": head.seq,
        "event_at": head.time.at,
        "uncertainty_ms": head.time.uncertainty_ms,
        "time_quality": head.time.quality,
        "received_at": head.received_at,
        "late": head.late,
    }


def note_hello(connection: Connection, head: RecordHead, body: dict[str, Any]) -> None:
    """Keep what a boot said about itself, and the channel catalog if it sent one."""
    of_boot = (
        session.c.device == head.device,
        session.c.inc == head.inc,
        session.c.boot == head.boot,
    )
    connection.execute(
        session.update()
        .where(*of_boot)
        .values(
            agent=body["agent"],
            platform=body["platform"],
            reset_cause=body["reset_cause"],
        )
    )
    catalog = body.get("catalog")
    name = connection.execute(select(session.c.manifest).where(*of_boot)).scalar()
    if catalog is not None and name is not None:
        row = {"channels": catalog, "received_at": head.received_at}
        statement = insert(connection, manifest)
        connection.execute(
            statement.values(device=head.device, manifest=name, **row).on_conflict_do_update(
                index_elements=["device", "manifest"], set_=row
            )
        )
