"""Messages and records: WIRE.md 4.3 step 5 for many arrivals in one transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from phonehome_cloud.core.arrivals import Arrival, Outcome
from phonehome_cloud.core.sessions import Journal, reported_version
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

from .bulk import Answer, fetch_later, insert_new, look_for
from .commands import Result, settle
from .configs import note_reported
from .dialects import fetch_among, wait_for_turn
from .enrollments import note_active
from .keys import GRACE, NEXT, activate
from .quarantine import ID_COLLISION, STATE_LOST, note_security, quarantine_records
from .rotation import offer_again
from .schema import manifest, message, record
from .sessions import ask_journal, make_journal, save_journal

_Key = tuple[str, str, int, int]  # device, origin incarnation, boot, seq
_Claim = tuple[Arrival, Outcome, Record]  # a record that wants a row, and who brings it

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
    "rtype",
    "ms",
    "raw",
    "message",
    "received_at",
    "late",
    "digested_at",
)


def store_arrivals(connection: Connection, arrivals: Sequence[Arrival]) -> list[Outcome]:
    """Store messages in the order of arrival; one outcome each.

    The caller's transaction decides: the outcomes are true once it is committed. On PostgreSQL
    it usually takes two trips: everything is asked with the messages, and written with COMMIT.
    """
    outcomes = [Outcome() for _ in arrivals]
    claims, disputed, spoiled = _claim(arrivals, outcomes)
    sessions = _lock(connection, arrivals)
    catalogs = _ask_catalogs(connection, arrivals)
    known_keys = look_for(connection, record, list(claims))
    said_before = _insert_messages(connection, arrivals)
    _judge(connection, arrivals, outcomes, make_journal(sessions()), said_before)
    old = insert_new(connection, record, _RECORD, _record_rows(claims), known_keys)
    known = _load_records(connection, old)
    for key in old:
        claims[key][1].new_records -= 1
        _settle(connection, claims[key], known[key])
    for claim in disputed:
        key = _key_of(claim)
        _settle(connection, claim, known.get(key, claims[key][2].raw))
    for arrival in spoiled:
        quarantine_records(connection, arrival)
    _note_catalogs(arrivals, outcomes, catalogs())
    _settle_commands(connection, [claim for key, claim in claims.items() if key not in old])
    return outcomes


def _lock(connection: Connection, arrivals: Sequence[Arrival]) -> Answer:
    """Ask for the sessions of those who speak. They are locked before anything else: that keeps
    other receivers from storing messages and records of these devices meanwhile.
    """
    sessions = ask_journal(connection, {arrival.device for arrival in arrivals})
    for device in sorted({a.device for a in arrivals if a.uplink.is_carried}):
        wait_for_turn(connection, f"carried {device}")  # may have no session to lock
    return sessions


def _judge(
    connection: Connection,
    arrivals: Sequence[Arrival],
    outcomes: Sequence[Outcome],
    journal: Journal,
    said_before: set[tuple[Any, ...]],
) -> None:
    """Move sessions, anchors and keys; `said_before` are messages that were stored already."""
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        name = arrival.device, arrival.hash
        outcome.late = journal.take(
            arrival.device,
            arrival.inc,
            arrival.uplink,
            arrival.received_at,
            is_replay=name in said_before,
            config_version=reported_version(arrival.uplink),
        )
        said_before.add(name)  # the same bytes again in this batch are a replay too
    save_journal(connection, journal)
    note_reported(connection, journal.reconfigured, arrivals[0].received_at)
    for lost in journal.state_lost:
        note_security(connection, lost.device, STATE_LOST, {"inc": lost.inc}, lost.first_seen_at)
    for key in {arrival.key for arrival in arrivals if arrival.key.state == NEXT}:
        activate(connection, key.device, key.epoch, arrivals[0].received_at)
        note_active(connection, key.device, key.epoch)
    for key in {arrival.key for arrival in arrivals if arrival.key.state == GRACE}:
        offer_again(connection, key.device, key.epoch, arrivals[0].received_at)


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
    arrivals of malformed records, which are refused. The others count as stored, those that are
    first as new, until something says that they are not.
    """
    claims: dict[_Key, _Claim] = {}
    disputed = []
    spoiled: dict[int, Arrival] = {}
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        device, origin = arrival.device, arrival.origin
        for entry in arrival.uplink.records:
            boot, seq = name = entry.boot, entry.seq
            if entry.defect is not None:
                outcome.refused.append((boot, seq, REFUSED_MALFORMED))
                spoiled[id(arrival)] = arrival
                continue
            outcome.stored.append(name)
            claim = arrival, outcome, entry
            if claims.setdefault((device, origin, boot, seq), claim) is claim:
                outcome.new_records += 1
            else:
                disputed.append(claim)
    return claims, disputed, list(spoiled.values())


def _key_of(claim: _Claim) -> _Key:
    arrival, _, entry = claim
    return arrival.device, arrival.origin, entry.boot, entry.seq


def _record_rows(claims: Mapping[_Key, _Claim]) -> list[tuple[Any, ...]]:
    return [
        (
            *key,
            entry.rtype,
            entry.ms,
            entry.raw,
            arrival.hash,
            arrival.received_at,
            outcome.late,
            # No ticket follows from a heartbeat, and they are most of what devices say.
            arrival.received_at if entry.rtype == RTYPE_HEARTBEAT else None,
        )
        for key, (arrival, outcome, entry) in claims.items()
    ]


def _load_records(connection: Connection, keys: Collection[_Key]) -> dict[_Key, bytes]:
    """The bytes of records that were there already."""
    columns = record.c.device, record.c.inc, record.c.boot, record.c.seq
    rows = fetch_among(connection, columns, keys, *columns, record.c.raw)
    return {(dev, inc, boot, seq): raw for dev, inc, boot, seq, raw in rows}


def _settle(connection: Connection, claim: _Claim, stored: bytes) -> None:
    """Equal bytes are stored, however often; others under the same id are a collision."""
    arrival, outcome, entry = claim
    if entry.raw == stored:
        return
    name = entry.boot, entry.seq
    outcome.stored.remove(name)
    outcome.refused.append((*name, REFUSED_COLLISION))
    detail = {"inc": arrival.origin, "boot": entry.boot, "seq": entry.seq}
    note_security(connection, arrival.device, ID_COLLISION, detail, arrival.received_at)


def _settle_commands(connection: Connection, new: Sequence[_Claim]) -> None:
    """Results are for whoever waits for them: a command must not go out again with this ack."""
    claims = [claim for claim in new if claim[2].rtype == RTYPE_RESULT]
    if not claims:
        return
    results = []
    for arrival, outcome, entry in claims:
        outcome.has_results = True
        cseq, status = entry.body[RESULT_CSEQ], entry.body[RESULT_STATUS]
        value = plain(entry.body.get(RESULT_VALUE))
        results.append(Result(arrival.device, arrival.origin, entry.boot, cseq, status, value))
    settle(connection, results, claims[0][0].received_at)


def _ask_catalogs(connection: Connection, arrivals: Sequence[Arrival]) -> Answer:
    """Ask which catalogs the senders have described."""
    users = {arrival.device for arrival in arrivals if arrival.uplink.manifest}
    return fetch_later(connection, _catalogs, manifest.c.device, users) if users else list


def _note_catalogs(
    arrivals: Sequence[Arrival], outcomes: Sequence[Outcome], rows: Iterable[Sequence[Any]]
) -> None:
    """Which senders use a catalog that they have not described yet."""
    known = {(dev, name) for dev, name in rows}
    for arrival, outcome in zip(arrivals, outcomes, strict=True):
        name = arrival.uplink.manifest
        outcome.wants_catalog = name is not None and (arrival.device, name.hex()) not in known


def _catalogs(of_devices: Any) -> Select[Any]:
    return select(manifest.c.device, manifest.c.manifest).where(of_devices)
