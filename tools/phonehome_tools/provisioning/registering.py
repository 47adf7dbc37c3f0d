"""The receiver's word that it knows a device, and how that goes on where an answer was lost."""

from dataclasses import dataclass

from phonehome_tools.cable.errors import CableError, RefusedError
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import DeskError
from phonehome_tools.provisioning.order import Order

_UNAUTHORIZED, _FORBIDDEN, _CONFLICT = 401, 403, 409


@dataclass(frozen=True)
class Registered:
    """The epoch of the device's key, and the code for its label."""

    epoch: int
    code: str


async def check_desk(order: Order) -> None:
    """CableError when the desk is not there, or does not take the token: before any board is."""
    async with Desk(order.api, order.token) as desk:
        try:
            await desk.wait_for(0)
        except DeskError as error:
            raise explain(order, error) from error


async def register(order: Order, device: str, product: str, key: bytes) -> Registered:
    """Register a device; the same key again is the same registration. CableError."""
    async with Desk(order.api, order.token) as desk:
        answer = await desk.register(device, product, order.label, key, order.may_replace)
    return Registered(int(answer["epoch"]), str(answer["code"]))


def explain(order: Order, error: DeskError, device: str = "") -> CableError:
    """What a refusal of the desk means to somebody at a bench."""
    if error.status in {_UNAUTHORIZED, _FORBIDDEN}:
        text = f"{order.api} does not take the token: HTTP {error.status}"
        return RefusedError(text, "it is wrong or has ended: make one on the desk")
    if error.status == _CONFLICT:
        text = f"{device}: the receiver knows this device under another key or product"
        return RefusedError(text, "is it the right board? --replace gives it a new key")
    if not error.status:
        text = f"{order.api}: no receiver answers there"
        return CableError(f"{text} ({error})", "is it the right --server, or does it want --api?")
    return CableError(str(error), "nothing was changed on the board")
