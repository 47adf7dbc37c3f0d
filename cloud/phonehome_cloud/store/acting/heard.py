"""What a device said since a moment: healed faults, samples in its frames, answers to commands.

A sensor's value comes over the wire in three ways only: in a freeze frame, as the value of a fault
transition, and in the answer to a command that the product's firmware has for it. Heartbeats carry
the agent's own numbers, not sensors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from phonehome_cloud.core.acting.steps import Reading
from phonehome_cloud.core.orders import DONE
from phonehome_cloud.store.frames import load_frames
from phonehome_cloud.store.schema import command, fault, fault_event, session, ticket
from phonehome_wire.names import KIND_NAMES
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED

_MAX_EVENTS = 50  # of a device since a step was opened; the newest are looked at


def find_healed(connection: Connection, dev: str, number: int, since_at: int) -> Any:
    """The record in which a device said that a ticket's fault has healed; None when it did not."""
    return _find(connection, dev, number, KIND_HEALED, since_at)


def find_confirmed(connection: Connection, dev: str, number: int, since_at: int) -> Any:
    """The record in which it said that the fault is there again; None when it did not."""
    return _find(connection, dev, number, KIND_CONFIRMED, since_at)


def _find(connection: Connection, dev: str, number: int, kind: int, since_at: int) -> Any:
    query = (
        select(fault_event)
        .where(
            fault_event.c.device == dev,
            fault_event.c.ticket == number,
            fault_event.c.kind == kind,
            fault_event.c.event_at >= since_at,
        )
        .order_by(fault_event.c.event_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return {"source": KIND_NAMES[kind], "measured_at": row.event_at, "record": _name(row)}


def read_sensor(
    connection: Connection,
    dev: str,
    number: int,
    proof: Mapping[str, Any],
    since_at: int,
    asked: int | None,
) -> list[Reading]:
    """Everything a device said of a sensor since a moment; `asked` is a command's number."""
    found = _read_events(connection, dev, number, proof, since_at)
    if asked is not None:
        found += _read_answer(connection, dev, proof, asked)
    return found


def _read_events(
    connection: Connection, dev: str, number: int, proof: Mapping[str, Any], since_at: int
) -> list[Reading]:
    """Values of transitions, and the samples of frames from their trigger on."""
    query = (
        select(fault_event)
        .where(fault_event.c.device == dev, fault_event.c.event_at >= since_at)
        .order_by(fault_event.c.event_at.desc())
        .limit(_MAX_EVENTS)
    )
    rows = connection.execute(query).all()
    # A frame of this very fault shows what is wrong, not that it was mended.
    others = {_key(row) for row in rows if row.has_frame and row.ticket != number}
    frames = load_frames(connection, others) if others else {}
    found: list[Reading] = []
    for row in rows:
        if row.channel == proof["channel"] and row.value is not None and row.kind == KIND_HEALED:
            values = (row.value * 10.0**row.exp,)
            found.append(_reading(proof, values, row, "transition"))
        samples = _samples(frames.get(_key(row)), proof["channel"])
        if samples:
            found.append(_reading(proof, samples, row, "frame"))
    return found


def _reading(
    proof: Mapping[str, Any], values: tuple[float, ...], row: Row[Any], source: str
) -> Reading:
    return Reading(proof["sensor"], values, row.event_at, source, _name(row))


def _samples(frame: Mapping[str, Any] | None, channel: int) -> tuple[float, ...]:
    for one in frame["channels"] if frame else ():
        if one["channel"] == channel:
            kept: Sequence[int | None] = one["samples"][frame["trigger"] :] if frame else ()
            return tuple(s * 10.0 ** one["exp"] for s in kept if s is not None)
    return ()


def _read_answer(
    connection: Connection, dev: str, proof: Mapping[str, Any], number: int
) -> list[Reading]:
    """The answer to a command that had the device read again: {channel: integer in 10**exp}."""
    of_it = command.c.device == dev, command.c.number == number
    row = connection.execute(select(command).where(*of_it)).first()
    if row is None or row.state != DONE or not isinstance(row.value, dict):
        return []
    value = row.value.get(str(proof["channel"]))
    if not isinstance(value, int) or isinstance(value, bool):
        return []
    number_of = value * 10.0 ** proof["exp"]
    return [Reading(proof["sensor"], (number_of,), row.ended_at, "reread", f"command {number}")]


def snapshot(connection: Connection, dev: str, number: int) -> dict[str, Any]:
    """What is known of a device now, for a comparison of before and after."""
    of_ticket = ticket.c.device == dev, ticket.c.number == number
    about = connection.execute(select(ticket).where(*of_ticket)).one()
    standing = connection.execute(
        select(fault.c.spn, fault.c.fmi, fault.c.kind).where(fault.c.device == dev)
    ).all()
    own = next((f.kind for f in standing if (f.spn, f.fmi) == (about.spn, about.fmi)), None)
    active = sorted(f"{f.spn}.{f.fmi}" for f in standing if f.kind == KIND_CONFIRMED)
    newest = session.c.device == dev, session.c.newest
    boots = select(session.c.boot).where(*newest).order_by(session.c.last_seen_at.desc())
    return {
        "fault": None if own is None else KIND_NAMES[own],
        "active faults": ", ".join(active) or "none",
        "occurrences": about.occurrences,
        "boot": connection.execute(boots.limit(1)).scalar(),
    }


def _key(row: Row[Any]) -> tuple[str, str, int, int]:
    return row.device, row.inc, row.boot, row.seq


def _name(row: Row[Any]) -> str:
    return f"{row.inc}/{row.boot}/{row.seq}"
