"""Messages and records: WIRE.md 4.3 step 5 for many arrivals in one transaction."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Select, select

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

from .bulk import fetch_of, insert_new
from .commands import Result, settle
from .configs import note_reported
from .dialects import fetch_among, wait_for_turn
from .enrollments import note_active
from .keys import GRACE, NEXT, activate
from .quarantine import ID_COLLISION, STATE_LOST, note_security, quarantine_records
from .rotation import offer_again
from .schema import manifest, message, record
from .sessions import load_journal, save_journal

_Key = tuple[str, str, int, int]  # device, origin incarnation, boot, seq

_MESSAGE = (
    "device",
    "hash",
    "inc",
    "boot",
    "now_ms",
    "utc_ms",
    "utc_quality",
    "received_at",
    "transport",
    "raw",
)
_RECORD = (
    "device",
    "inc",
    "boot",
    "seq",
    "hash",
    "rtype",
    "ms",
    "raw",
    "message",
    "received_at",
    "late",
    "digested_at",
)


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
    claims, disputed, spoiled = _claim(arrivals, outcomes)
    rows = [_record_row(claim) for claim in claims.values()]
    old = insert_new(connection, record, _RECORD, rows)
    known = _load_hashes(connection, old)
    new = [claim for claim in claims.values() if claim.key not in old]
    for claim in new:
        claim.outcome.new_records += 1
        claim.outcome.stored.append(claim.key[2:])
    for key in old:
        _settle(connection, claims[key], known.get(key, claims[key].hash))
    for claim in disputed:
        winner = known.get(claim.key, claims[claim.key].hash)
        _settle(connection, claim, winner)
    for arrival in spoiled:
        quarantine_records(connection, arrival)
    _note_catalogs(connection, arrivals, outcomes)
    _settle_commands(connection, new)
    return outcomes


def _judge(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Append the raw messages, and move sessions, anchors and keys.

    Sessions first: their lock is what keeps another receiver from appending the same message.
    """
    journal = load_journal(connection, {arrival.device for arrival in arrivals})
    for device in sorted({a.device for a in arrivals if a.uplink.is_carried}):
        wait_for_turn(connection, f"carried {device}")  # may have no session to lock
    said_before = _insert_messages(connection, arrivals)
    outcomes = []
    for arrival in arrivals:
        name = arrival.device, arrival.hash
        late = journal.take(
            arrival.device,
            arrival.inc,
            arrival.uplink,
            arrival.received_at,
            is_replay=name in said_before,
            config_version=reported_version(arrival.uplink),
        )
        said_before.add(name)  # the same bytes again in this batch are a replay too
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


def _insert_messages(connection: Connection, arrivals: Sequence[Arrival]) -> set[tuple[Any, ...]]:
    """Append the signed bytes; returns (device, hash) of those that were there before."""
    rows = [
        (
            arrival.device,
            arrival.hash,
            arrival.inc,
            arrival.uplink.boot,
            arrival.uplink.now_ms,
            arrival.uplink.utc_ms,
            arrival.uplink.utc_quality,
            arrival.received_at,
            arrival.transport,
            arrival.raw,
        )
        for arrival in arrivals
    ]
    return insert_new(connection, message, _MESSAGE, rows)


def _claim(
    arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
) -> tuple[dict[_Key, _Claim], list[_Claim], list[Arrival]]:
    """Each record id with the first record that wants it, the later ones of this batch, and the
    arrivals of malformed records, which are refused.
    """
    claims: dict[_Key, _Claim] = {}
    disputed = []
    spoiled: dict[int, Arrival] = {}
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        for entry in arrival.uplink.records:
            if entry.defect is not None:
                outcome.refused.append((entry.boot, entry.seq, REFUSED_MALFORMED))
                spoiled[id(arrival)] = arrival
                continue
            key = arrival.device, arrival.origin, entry.boot, entry.seq
            hash_ = sha256(entry.raw).digest()[:HASH_BYTES]
            claim = _Claim(arrival, outcome, entry, key, hash_)
            if claims.setdefault(key, claim) is not claim:
                disputed.append(claim)
    return claims, disputed, list(spoiled.values())


def _record_row(claim: _Claim) -> tuple[Any, ...]:
    entry, arrival = claim.record, claim.arrival
    return (
        *claim.key,
        claim.hash,
        entry.rtype,
        entry.ms,
        entry.raw,
        arrival.hash,
        arrival.received_at,
        claim.outcome.late,
        # No ticket follows from a heartbeat, and they are most of what devices say.
        arrival.received_at if entry.rtype == RTYPE_HEARTBEAT else None,
    )


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


def _note_catalogs(
    connection: Connection, arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]
) -> None:
    """Which senders use a catalog that they have not described yet."""
    users = {arrival.device for arrival in arrivals if arrival.uplink.manifest}
    if not users:
        return
    rows = fetch_of(connection, _catalogs, manifest.c.device, users)
    known = {(dev, name) for dev, name in rows}
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        name = arrival.uplink.manifest
        outcome.wants_catalog = name is not None and (arrival.device, name.hex()) not in known


def _catalogs(of_devices: Any) -> Select[Any]:
    return select(manifest.c.device, manifest.c.manifest).where(of_devices)
