"""What is authentic but wrong, kept for people: unreadable bytes and security events."""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from phonehome_cloud.core.arrivals import HASH_BYTES, Arrival, Intrusion, Misfit

from .dialects import insert
from .schema import quarantine, security_event

STATE_LOST = "state_lost"
ID_COLLISION = "id_collision"
PATH_MISMATCH = "path_mismatch"


def quarantine_messages(connection: Connection, misfits: Iterable[Misfit]) -> None:
    """Keep whole messages that cannot be read, each once."""
    _insert(
        connection,
        [
            {
                "device": misfit.device,
                "hash": misfit.hash,
                "reason": misfit.reason,
                "detail": misfit.detail,
                "transport": misfit.transport,
                "received_at": misfit.received_at,
                "boot": None,
                "seq": None,
                "raw": misfit.raw,
            }
            for misfit in misfits
        ],
    )


def quarantine_records(connection: Connection, arrival: Arrival) -> None:
    """Keep the records of a message whose bodies break the schema, each once."""
    _insert(
        connection,
        [
            {
                "device": arrival.device,
                "hash": sha256(record.raw).digest()[:HASH_BYTES],
                "reason": "record",
                "detail": record.defect,
                "transport": arrival.transport,
                "received_at": arrival.received_at,
                "boot": record.boot,
                "seq": record.seq,
                "raw": bytes(record.raw),
            }
            for record in arrival.uplink.records
            if record.defect is not None
        ],
    )


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(connection, quarantine).on_conflict_do_nothing(), rows)


def note_intrusions(connection: Connection, intrusions: Iterable[Intrusion]) -> None:
    """A security event for each message that came under another device's name."""
    for intrusion in intrusions:
        note_security(
            connection,
            intrusion.device,
            PATH_MISMATCH,
            {"claimed": intrusion.claimed, "transport": intrusion.transport},
            intrusion.received_at,
        )


def note_security(
    connection: Connection, dev: str, kind: str, detail: dict[str, Any], at: int
) -> None:
    """A security event; the same again raises its count, so that nobody can fill the table."""
    text = json.dumps([kind, detail], sort_keys=True)
    statement = insert(connection, security_event).values(
        device=dev,
        hash=sha256(text.encode()).digest()[:HASH_BYTES],
        kind=kind,
        first_at=at,
        last_at=at,
        count=1,
        detail=detail,
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["device", "hash"],
            set_={"last_at": at, "count": security_event.c.count + 1},
        )
    )
