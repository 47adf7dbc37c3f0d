"""Messages and records: WIRE.md 4.3 step 5 for many arrivals in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update
from sqlalchemy.dialects.sqlite import Insert

from phonehome_cloud.core.arrivals import HASH_BYTES, Arrival, Outcome
from phonehome_cloud.core.sessions import reported_version
from phonehome_cloud.core.transitions import plain
from phonehome_wire.registry import (
    REFUSED_COLLISION,
    REFUSED_MALFORMED,
    RESULT_CSEQ,
    RESULT_STATUS,
    RESULT_VALUE,
    RTYPE_HEARTBEAT,
    RTYPE_RESULT,
)
from phonehome_wire.uplink import Record

from .commands import Result, settle
from .configs import note_reported
from .dialects import fetch_among, insert_many
from .enrollments import note_active
from .keys import GRACE, NEXT, activate
from .quarantine import ID_COLLISION, STATE_LOST, note_security, quarantine_records
from .rotation import offer_again
from .schema import manifest, message, record
from .sessions import load_journal, save_journal

_Key = tuple[str, str, int, int]  # device, origin incarnation, boot, seq


@dataclass(slots=True)
class _Claim:
    """One record of an arrival on its way to its row."""

    arrival: Arrival
    outcome: Outcome
    record: Record
    key: _Key
    hash: bytes


def store_arrivals(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Store messages in the order of arrival; one outcome each.

    The caller's transaction decides: the outcomes are true once it is committed.
    """
    outcomes = _judge(connection, arrivals)
    claims, disputed = _claim(arrivals, outcomes)
    new = _insert_records(connection, list(claims.values()))
    known = _load_hashes(connection, claims.keys() - new)
    for key, claim in claims.items():
        if key in new:
            claim.outcome.new_records += 1
        _settle(connection, claim, known.get(key, claim.hash))
    for claim in disputed:
        winner = known.get(claim.key, claims[claim.key].hash)
        _settle(connection, claim, winner)
    _refuse_malformed(connection, arrivals, outcomes)
    _note_catalogs(connection, arrivals, outcomes)
    _settle_commands(connection, [claims[key] for key in new])
    return outcomes


def _judge(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Append the raw messages, and move sessions, anchors and keys."""
    new = _insert_messages(connection, arrivals)
    journal = load_journal(connection, {arrival.device for arrival in arrivals})
    outcomes = []
    for arrival in arrivals:
        name = arrival.device, arrival.hash
        late = journal.take(
            arrival.device,
            arrival.inc,
            arrival.uplink,
            arrival.received_at,
            is_replay=name not in new,
            config_version=reported_version(arrival.uplink),
        )
        new.discard(name)  # the same bytes again in this batch are a replay too
        outcomes.append(Outcome(late=late))
    save_journal(connection, journal)
    note_reported(connection, journal.reconfigured, arrivals[0].received_at)
    for lost in journal.state_lost:
        note_security(connection, lost.device, STATE_LOST, {"inc": lost.inc}, lost.first_seen_at)
    for key in {arrival.key for arrival in arrivals if arrival.key.state == NEXT}:
        activate(connection, key.device, key.epoch, arrivals[0].received_at)
        note_active(connection, key.device, key.epoch)
    for key in {arrival.key for arrival in arrivals if arrival.key.state == GRACE}:
        offer_again(connection, key.device, key.epoch, arrivals[0].received_at)
    return outcomes


def _insert_messages(
    connection: Connection, arrivals: Sequence[Arrival]
) -> set[tuple[str, bytes]]:
    """Append the signed bytes; returns (device, hash) of those that were not there before."""
    rows = [
        {
            "device": arrival.device,
            "hash": arrival.hash,
            "inc": arrival.inc,
            "boot": arrival.uplink.boot,
            "now_ms": arrival.uplink.now_ms,
            "utc_ms": arrival.uplink.utc_ms,
            "utc_quality": arrival.uplink.utc_quality,
            "received_at": arrival.received_at,
            "transport": arrival.transport,
            "raw": arrival.raw,
        }
        for arrival in arrivals
    ]
    found = insert_many(connection, message, _new_messages, rows)
    return {(dev, hash_) for dev, hash_ in found}


def _new_messages(statement: Insert) -> Any:
    return statement.on_conflict_do_nothing().returning(message.c.device, message.c.hash)


def _claim(
    arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
) -> tuple[dict[_Key, _Claim], list[_Claim]]:
    """Each record id with the first record that wants it, and the later ones of this batch."""
    claims: dict[_Key, _Claim] = {}
    disputed = []
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        for entry in arrival.uplink.records:
            if entry.defect is not None:
                continue
            key = arrival.device, arrival.origin, entry.boot, entry.seq
            hash_ = sha256(entry.raw).digest()[:HASH_BYTES]
            claim = _Claim(arrival, outcome, entry, key, hash_)
            if claims.setdefault(key, claim) is not claim:
                disputed.append(claim)
    return claims, disputed


def _insert_records(connection: Connection, claims: Sequence[_Claim]) -> set[_Key]:
    """Insert what is not there yet; returns the ids that are new."""
    if not claims:
        return set()
    rows = [_record_row(claim) for claim in claims]
    found = insert_many(connection, record, _new_records, rows)
    return {(dev, inc, boot, seq) for dev, inc, boot, seq in found}


def _new_records(statement: Insert) -> Any:
    return statement.on_conflict_do_nothing().returning(
        record.c.device, record.c.inc, record.c.boot, record.c.seq
    )


def _record_row(claim: _Claim) -> dict[str, Any]:
    device, inc, boot, seq = claim.key
    is_heartbeat = claim.record.rtype == RTYPE_HEARTBEAT
    return {
        "device": device,
        "inc": inc,
        "boot": boot,
        "seq": seq,
        "hash": claim.hash,
        "rtype": claim.record.rtype,
        "ms": claim.record.ms,
        "raw": claim.record.raw,
        "message": claim.arrival.hash,
        "received_at": claim.arrival.received_at,
        "late": claim.outcome.late,
        # No ticket follows from a heartbeat, and they are most of what devices say.
        "digested_at": claim.arrival.received_at if is_heartbeat else None,
    }


def _load_hashes(connection: Connection, keys: Collection[_Key]) -> dict[_Key, bytes]:
    """The stored hashes of records that were there already."""
    columns = record.c.device, record.c.inc, record.c.boot, record.c.seq
    rows = fetch_among(connection, columns, keys, *columns, record.c.hash)
    return {(dev, inc, boot, seq): hash_ for dev, inc, boot, seq, hash_ in rows}


def _settle(connection: Connection, claim: _Claim, stored_hash: bytes) -> None:
    """Equal bytes are stored, however often; others under the same id are a collision."""
    _, origin, boot, seq = claim.key
    if claim.hash == stored_hash:
        claim.outcome.stored.append((boot, seq))
        return
    claim.outcome.refused.append((boot, seq, REFUSED_COLLISION))
    detail = {"inc": origin, "boot": boot, "seq": seq}
    arrival = claim.arrival
    note_security(connection, arrival.device, ID_COLLISION, detail, arrival.received_at)


def _settle_commands(connection: Connection, new: Sequence[_Claim]) -> None:
    """Results are for whoever waits for them: a command must not go out again with this ack."""
    claims = [claim for claim in new if claim.record.rtype == RTYPE_RESULT]
    if not claims:
        return
    results = []
    for claim in claims:
        claim.outcome.has_results = True
        device, inc, boot, _ = claim.key
        body = claim.record.body
        value = plain(body.get(RESULT_VALUE))
        results.append(Result(device, inc, boot, body[RESULT_CSEQ], body[RESULT_STATUS], value))
    settle(connection, results, claims[0].arrival.received_at)


def _refuse_malformed(
    connection: Connection, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
) -> None:
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        bad = [entry for entry in arrival.uplink.records if entry.defect is not None]
        if bad:
            outcome.refused += [(entry.boot, entry.seq, REFUSED_MALFORMED) for entry in bad]
            quarantine_records(connection, arrival)


def _note_catalogs(
    connection: Connection, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
) -> None:
    """Which senders use a catalog that they have not described yet."""
    used = {(a.device, a.uplink.manifest.hex()) for a in arrivals if a.uplink.manifest}
    columns = manifest.c.device, manifest.c.manifest
    statement = select(*columns).where(manifest.c.device.in_({device for device, _ in used}))
    known = {(dev, name) for dev, name in connection.execute(statement)}
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        name = arrival.uplink.manifest
        outcome.wants_catalog = name is not None and (arrival.device, name.hex()) not in known


def load_waiting(connection: Connection, limit: int) -> list[Row[Any]]:
    """The records that the digest has not seen, oldest first."""
    statement = (
        select(*(record.c[name] for name in _DIGESTED))
        .where(record.c.digested_at.is_(None))
        .order_by(record.c.received_at, record.c.device)
        .limit(limit)
    )
    return list(connection.execute(statement))


_DIGESTED = ("device", "inc", "boot", "seq", "rtype", "ms", "raw", "received_at", "late")


def mark_digested(
    connection: Connection, results: Iterable[tuple[Row[Any], str | None]], now_at: int
) -> None:
    """The digest is done with these records; a failure is the reason why nothing came of one."""
    columns = record.c.device, record.c.inc, record.c.boot, record.c.seq
    statement = (
        update(record)
        .where(*(column == bindparam(f"_{column.name}") for column in columns))
        .values(digested_at=now_at, digest_failure=bindparam("failure"))
    )
    rows = [
        {
            "_device": row.device,
            "_inc": row.inc,
            "_boot": row.boot,
            "_seq": row.seq,
            "failure": why,
        }
        for row, why in results
    ]
    if rows:
        connection.execute(statement, rows)
