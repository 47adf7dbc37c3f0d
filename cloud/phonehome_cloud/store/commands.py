"""Commands: kept until their result or their deadline, and bound to the boot they are sent to."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, func, select, update

from phonehome_cloud.core.orders import (
    EXPIRED,
    LOST,
    MAX_OPEN,
    PATIENT_SENDS,
    QUEUED,
    SENT,
    SUPERSEDED,
    outcome_of,
)
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_wire.decoder import decode
from phonehome_wire.downlink import Command
from phonehome_wire.registry import ARG_CONFIG_VERSION, COMMAND_SET_CONFIG, RESULT_OK

from . import answers, configs
from .schema import command, device, message, session


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants of a device; `args` are as signed."""

    device: str
    code: int
    args: bytes | None
    repeatable: bool
    who: str
    asked_at: int
    deadline_at: int


@dataclass(frozen=True, slots=True)
class Result:
    """A result record: whose, of which command, and what it says."""

    device: str
    inc: str
    boot: int
    cseq: int
    status: int
    value: Any


_EXPIRED_BATCH = 200
_OPEN = command.c.ended_at.is_(None)


def add(connection: Connection, order: Order) -> int:
    """Queue a command; returns its number. ConflictError when too many wait already."""
    of_device = command.c.device == order.device
    # One numbers the commands of a device at a time; intake, which asks only that it stays, may.
    known = select(device.c.revoked_at).where(device.c.device == order.device)
    row = connection.execute(known.with_for_update(key_share=True)).first()
    if row is None:
        raise NotFoundError(f"no device {order.device}")
    if row.revoked_at is not None:
        raise ConflictError(f"device {order.device} is revoked: it hears nothing")
    waiting = connection.execute(
        select(func.count()).select_from(command).where(of_device, _OPEN)
    ).scalar_one()
    if waiting >= MAX_OPEN:
        raise ConflictError(f"{waiting} commands wait for device {order.device} already")
    last = connection.execute(select(func.max(command.c.number)).where(of_device)).scalar()
    number = (last or 0) + 1
    connection.execute(
        command.insert().values(
            device=order.device,
            number=number,
            code=order.code,
            args=order.args,
            state=QUEUED,
            repeatable=order.repeatable,
            who=order.who,
            asked_at=order.asked_at,
            deadline_at=order.deadline_at,
        )
    )
    return number


def take_next(
    connection: Connection, dev: str, inc: str, boot: int, now_at: int
) -> Command | None:
    """The command to send to this boot now, bound to it; None when none waits.

    One is under way at a time, because a device obeys only what is newer than the last it obeyed.
    """
    rows = _settle_old(connection, _load_open(connection, dev), inc, boot, now_at)
    last = _last_cseq(connection, dev, inc, boot)
    under_way = next((row for row in rows if row.cseq == last), None)
    free = next((row for row in rows if row.cseq is None), None)
    if under_way is not None and (under_way.sends < PATIENT_SENDS or free is None):
        _change(connection, under_way, sends=under_way.sends + 1, sent_at=now_at)
        return _command(under_way, under_way.cseq, under_way.deadline_ms, inc, boot, now_at)
    if free is None:
        return None
    deadline_ms = _deadline_ms(connection, dev, inc, boot, free.deadline_at)
    bound = {"inc": inc, "boot": boot, "cseq": last + 1, "deadline_ms": deadline_ms}
    _change(connection, free, **bound, state=SENT, sends=1, sent_at=now_at)
    return _command(free, last + 1, deadline_ms, inc, boot, now_at)


def _command(
    row: Row[Any], cseq: int, deadline_ms: int, inc: str, boot: int, now_at: int
) -> Command:
    args = None if row.args is None else decode(row.args)
    return Command(bytes.fromhex(inc), boot, now_at, cseq, deadline_ms, row.code, args)


def _load_open(connection: Connection, dev: str) -> Sequence[Row[Any]]:
    statement = select(command).where(command.c.device == dev, _OPEN).order_by(command.c.number)
    return connection.execute(statement.with_for_update()).all()


def _settle_old(
    connection: Connection, rows: Sequence[Row[Any]], inc: str, boot: int, now_at: int
) -> list[Row[Any]]:
    """End what is too late or must not be repeated, free what may be; the rest, as it stands."""
    left = []
    for row in rows:
        if row.deadline_at <= now_at:
            _end(connection, row, EXPIRED, now_at)
        elif row.cseq is None or (row.inc, row.boot) == (inc, boot):
            left.append(row)
        elif row.repeatable:
            _change(connection, row, state=QUEUED, inc=None, boot=None, cseq=None, sends=0)
        else:
            _end(connection, row, LOST, now_at)
    if len(left) < len(rows):
        return list(_load_open(connection, rows[0].device))
    return left


def _change(connection: Connection, row: Row[Any], **values: Any) -> None:
    of_row = (command.c.device == row.device, command.c.number == row.number)
    connection.execute(update(command).where(*of_row).values(values))


def _end(connection: Connection, row: Row[Any], state: str, now_at: int) -> None:
    """Without a result; one that comes later counts nevertheless."""
    _change(connection, row, state=state, ended_at=now_at)
    _tell_ended(connection, row, now_at)


def _tell_ended(connection: Connection, row: Row[Any], now_at: int) -> None:
    if row.code == COMMAND_SET_CONFIG:
        configs.wake(connection, row.device, row.number, now_at)
    elif row.who == answers.WHO:
        answers.wake(connection, row.device, row.number, now_at)
    else:
        answers.wake_asker(connection, row.device, row.who, now_at)


def _last_cseq(connection: Connection, dev: str, inc: str, boot: int) -> int:
    statement = select(func.max(command.c.cseq)).where(
        command.c.device == dev,
        command.c.inc == inc,
        command.c.boot == boot,
        command.c.cseq.is_not(None),
    )
    return connection.execute(statement).scalar() or 0


def _deadline_ms(connection: Connection, dev: str, inc: str, boot: int, deadline_at: int) -> int:
    """A moment on the device's clock, by what its last report said: early rather than late."""
    statement = select(session.c.last_now_ms, session.c.last_seen_at).where(
        session.c.device == dev, session.c.inc == inc, session.c.boot == boot
    )
    last_now_ms, last_seen_at = connection.execute(statement).one()
    return max(0, int(last_now_ms + deadline_at - last_seen_at))


def settle(connection: Connection, results: Collection[Result], now_at: int) -> None:
    """Write results to their commands, once each; one for a command of nobody's is passed over."""
    for result in results:
        of_bound = (
            command.c.device == result.device,
            command.c.inc == result.inc,
            command.c.boot == result.boot,
            command.c.cseq == result.cseq,
        )
        row = connection.execute(select(command).where(*of_bound)).first()
        if row is None or row.status is not None:
            continue
        values = {"status": result.status, "value": result.value, "ended_at": now_at}
        _change(connection, row, **values, state=outcome_of(result.status))
        if row.code == COMMAND_SET_CONFIG:
            _settle_config(connection, row, result, now_at)
        else:
            _tell_ended(connection, row, now_at)


def _settle_config(connection: Connection, row: Row[Any], result: Result, now_at: int) -> None:
    """The device runs under this version from the result on."""
    if result.status == RESULT_OK:
        version = decode(row.args)[ARG_CONFIG_VERSION]
        of_boot = (
            session.c.device == result.device,
            session.c.inc == result.inc,
            session.c.boot == result.boot,
        )
        connection.execute(update(session).where(*of_boot).values(config_version=version))
        configs.note_reported(connection, [(result.device, version)], now_at)
    configs.wake(connection, row.device, row.number, now_at)


def supersede(connection: Connection, dev: str, number: int, now_at: int) -> None:
    """End a command that was not sent yet: something newer takes its place."""
    connection.execute(
        update(command)
        .where(command.c.device == dev, command.c.number == number, command.c.state == QUEUED)
        .values(state=SUPERSEDED, ended_at=now_at)
    )


def expire(connection: Connection, now_at: int) -> list[str]:
    """End commands whose deadline has passed, unless another receiver does; whose they were."""
    late = select(command).where(command.c.deadline_at <= now_at, _OPEN).limit(_EXPIRED_BATCH)
    rows = connection.execute(late.with_for_update(skip_locked=True)).all()
    for row in rows:
        _end(connection, row, EXPIRED, now_at)
    return [row.device for row in rows]


def has_expired(connection: Connection, now_at: int) -> bool:
    """Whether `expire` would find something."""
    statement = select(command.c.number).where(command.c.deadline_at <= now_at, _OPEN).limit(1)
    return connection.execute(statement).first() is not None


def load_waiting(connection: Connection) -> set[str]:
    """The devices for which a command waits."""
    return set(connection.execute(select(command.c.device).where(_OPEN).distinct()).scalars())


def is_waiting(connection: Connection, dev: str) -> bool:
    """Whether a command waits for a device."""
    statement = select(command.c.number).where(command.c.device == dev, _OPEN).limit(1)
    return connection.execute(statement).first() is not None


def take_pushable(connection: Connection, dev: str, now_at: int) -> Command | None:
    """The next command for a device that can be reached at any time and has none under way.

    That is one whose newest report came over MQTT; the others ask when they come.
    """
    newest = (
        select(message.c.transport)
        .where(message.c.device == dev)
        .order_by(message.c.received_at.desc(), message.c.hash)
        .limit(1)
    )
    boots = (
        select(session.c.inc, session.c.boot)
        .where(session.c.device == dev, session.c.newest)
        .order_by(session.c.last_seen_at.desc())
        .limit(1)
    )
    current = connection.execute(boots).first()
    if current is None or connection.execute(newest).scalar() != "mqtt":
        return None
    under_way = select(command.c.number).where(
        command.c.device == dev, _OPEN, command.c.state == SENT, command.c.boot == current.boot
    )
    if connection.execute(under_way.limit(1)).first() is not None:
        return None
    return take_next(connection, dev, current.inc, current.boot, now_at)


def expect(connection: Connection, dev: str, number: int) -> RowMapping:
    """One command; NotFoundError when there is none."""
    statement = select(command).where(command.c.device == dev, command.c.number == number)
    row = connection.execute(statement).mappings().first()
    if row is None:
        raise NotFoundError(f"no command {number} of device {dev}")
    return row


def list_before(
    connection: Connection, dev: str, before: int | None, limit: int
) -> list[RowMapping]:
    """The commands of a device, newest first, those before a number."""
    statement = select(command).where(command.c.device == dev)
    if before is not None:
        statement = statement.where(command.c.number < before)
    rows = connection.execute(statement.order_by(command.c.number.desc()).limit(limit))
    return list(rows.mappings())
