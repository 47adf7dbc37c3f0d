"""From what a device should have and says it has to the command that brings it there."""

from typing import Any

from sqlalchemy import Connection, RowMapping, select

from phonehome_cloud.core.configs import COMMAND_WITHIN_S, Standing, decide
from phonehome_cloud.core.orders import EXPIRED, encode_args
from phonehome_cloud.errors import ConflictError
from phonehome_wire.registry import (
    ARG_CONFIG_VALUES,
    ARG_CONFIG_VERSION,
    COMMAND_SET_CONFIG,
)

from . import configs
from .commands import Order, add
from .schema import command

WHO = "config"  # as histories show who asked
_BUSY_PAUSE_MS = 60_000


def reconcile(connection: Connection, now_at: int) -> list[str]:
    """Look at every configuration that is due; returns the devices that got a command."""
    given = []
    for row in configs.load_due(connection, now_at):
        order = _order_of(connection, row)
        step = decide(_standing(row, order), now_at)
        if step is None:
            configs.change(connection, row["device"], due_at=None)
            continue
        changed: dict[str, Any] = {"state": step.state, "tries": step.tries, "due_at": step.due_at}
        if step.state != row["state"]:
            changed["changed_at"] = now_at
        if order is not None:
            changed |= {"command": None, "judged": _judged(order) or row["judged"]}
        if step.gives_order:
            changed |= _give(connection, row, now_at)
            given.append(row["device"])
        configs.change(connection, row["device"], **changed)
    return given


def _standing(row: RowMapping, order: RowMapping | None) -> Standing:
    """A command that never left, because the device was away all the time, was no try."""
    is_unheard = order is not None and order["state"] == EXPIRED and not order["sends"]
    return Standing(
        row["version"],
        row["state"],
        row["reported"],
        row["tries"] - is_unheard,
        row["changed_at"],
        None if order is None or is_unheard else order["state"],
    )


def _order_of(connection: Connection, row: RowMapping) -> RowMapping | None:
    """The command that carries it, unless that was looked at before."""
    if row["command"] is None:
        return None
    statement = select(command).where(
        command.c.device == row["device"], command.c.number == row["command"]
    )
    return connection.execute(statement).mappings().first()


def _judged(order: RowMapping) -> Any:
    return order["value"] if isinstance(order["value"], dict) else None


def _give(connection: Connection, row: RowMapping, now_at: int) -> dict[str, Any]:
    """Queue the command; a device for which too many wait has its turn later."""
    values = {int(key): value for key, (_, value) in row["encoded"].items() if value is not None}
    args = encode_args({ARG_CONFIG_VERSION: row["version"], ARG_CONFIG_VALUES: values})
    deadline_at = now_at + COMMAND_WITHIN_S * 1000
    order = Order(row["device"], COMMAND_SET_CONFIG, args, True, WHO, now_at, deadline_at)
    try:
        return {"command": add(connection, order)}
    except ConflictError:
        return {"tries": row["tries"], "due_at": now_at + _BUSY_PAUSE_MS}
