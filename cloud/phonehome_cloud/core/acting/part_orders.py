r"""Orders of parts: their states, what a supplier may say of them, and the document they get.

    held -> sent -> accepted -> shipped -> delivered
      |       |\---> back_ordered -> accepted, shipped
      |       \----> refused
      \------------> cancelled       while held at once; later only the supplier can: refused

An order is held while it may be cancelled without asking anybody. A part from our own stock takes
the same way: the depot is its supplier. What nobody has all of is ordered from several, each with
its own order: the action that needs it waits for the last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.tickets import parse_ticket_id, ticket_id
from phonehome_cloud.errors import ConflictError, NotFoundError

HELD: Final = "held"
SENT: Final = "sent"
ACCEPTED: Final = "accepted"
BACK_ORDERED: Final = "back_ordered"
SHIPPED: Final = "shipped"
DELIVERED: Final = "delivered"
REFUSED: Final = "refused"
CANCELLED: Final = "cancelled"

FROM_STOCK: Final = "stock"
FROM_SUPPLIER: Final = "supplier"
TO_OWNER: Final = "owner"
TO_DEPOT: Final = "depot"  # a technician brings it along

SAID_BY_SUPPLIER: Final = (ACCEPTED, BACK_ORDERED, SHIPPED, DELIVERED, REFUSED)
ENDED: Final = frozenset((DELIVERED, REFUSED, CANCELLED))

# A change of mind in the first half hour costs nobody anything.
CANCEL_WINDOW_MS: Final = 30 * 60_000
# Without a word of the supplier for so long somebody asks.
SILENCE_MS: Final = 3 * 86_400_000
# A delivered part is in the owner's hands; so long they have to say whether it helped.
FITTING_MS: Final = 14 * 86_400_000

# A callback may come late or out of order: what was said before the newest word is no step back.
_RANK: Final = MappingProxyType(
    {HELD: 0, SENT: 1, BACK_ORDERED: 2, ACCEPTED: 2, SHIPPED: 3, DELIVERED: 4, REFUSED: 4}
)


class OrderKey(NamedTuple):
    """What names an order: the action that it is for, and which of its orders it is, from 1."""

    device: str
    ticket: int
    n: int
    number: int = 1

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> "OrderKey":
        """What names the order of a row of `part_order`."""
        return cls(row["device"], row["ticket"], row["action"], row["number"])

    @property
    def action(self) -> ActionKey:
        """The action that it is for."""
        return ActionKey(*self[:3])

    def again(self, occasion: str = "") -> str:
        """What tells a letter about it from others about the same action."""
        return occasion if self.number == 1 else f"{self.number}:{occasion}".rstrip(":")


@dataclass(frozen=True, slots=True)
class Line:
    """One part of an order; `price` of one piece in the smallest unit of the currency."""

    part: str
    title: str
    count: int
    price: int


def order_id(key: OrderKey) -> str:
    """The number of an order, which a supplier gives back: it names the action it is for, and the
    second and further ones of an action what they are.
    """
    of_action = f"{ticket_id(key.device, key.ticket)}-{key.n}"
    return of_action if key.number == 1 else f"{of_action}-{key.number}"


def parse_order_id(text: str) -> OrderKey:
    """The order of that number; NotFoundError when it cannot be one."""
    device, _, rest = text.partition("-")
    ticket, *named = rest.split("-")
    if 1 <= len(named) <= 2 and all(_is_number(word) for word in named):
        key = OrderKey(*parse_ticket_id(f"{device}-{ticket}"), *map(int, named))
        if key.number != 1 or len(named) == 1:
            return key
    raise NotFoundError(f"{text[:64]!r} is no order; one looks like a4cf12fffe05d3b1-3-1")


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and 0 < len(word) <= 9


def total_of(lines: Sequence[Line]) -> int:
    """What an order costs."""
    return sum(line.count * line.price for line in lines)


def say_others(others: Iterable[tuple[str, str]]) -> str:
    """What the other orders of an action have come to, (number, state) of each; "" for none."""
    said = [f"order {number} is {state.replace('_', ' ')}" for number, state in others]
    return f"; for the same action {', '.join(said)}" if said else ""


def follow(state: str, said: str) -> str | None:
    """The state after a supplier's word; None when it is over, or older than what was said.

    The same word again may bring another date. ConflictError when it is about an order that nobody
    sent, or that has ended otherwise.
    """
    if said == state and state in ENDED:
        return None
    if state in ENDED:
        raise ConflictError(f"the order is {state}: it cannot become {said}")
    if state == HELD:
        raise ConflictError("the order was not sent yet")
    if _RANK[said] < _RANK[state]:
        return None
    return said


def can_cancel(state: str, cancel_until_at: int, now_at: int) -> bool:
    """Whether an order can be taken back without asking anybody."""
    return state == HELD and now_at <= cancel_until_at


def check_cancel(state: str, cancel_until_at: int, now_at: int) -> None:
    """ConflictError when an order cannot be taken back any more."""
    if not can_cancel(state, cancel_until_at, now_at):
        raise ConflictError(f"the order is {state}: ask the supplier to refuse it instead")


def money(amount: int, currency: str) -> str:
    """An amount for people; currencies here have hundredths."""
    return f"{amount // 100}.{amount % 100:02} {currency}"


def write_document(
    number: str,
    ordered_at: int,
    lines: Sequence[Line],
    currency: str,
    payer: str,
    ship_to: Mapping[str, str],
    destination: str = TO_OWNER,
) -> str:
    """The order as a page of text, for a supplier who reads mail."""
    day = datetime.fromtimestamp(ordered_at / 1000, UTC).date().isoformat()
    width = max([len(line.title) for line in lines] + [5])
    rows = [
        f"{n:>3}  {line.part:<20} {line.title:<{width}} {line.count:>4} x "
        + money(line.price, currency)
        for n, line in enumerate(lines, 1)
    ]
    address = [text for text in (ship_to.get(k, "") for k in _ADDRESS) if text]
    if destination == TO_DEPOT:
        address = ["our depot, with the number of the order"]
    return "\n".join(
        [
            f"ORDER {number}",
            f"Date: {day}",
            f"Invoice to: {_INVOICE[payer]}",
            "",
            *rows,
            "",
            f"Total: {money(total_of(lines), currency)}",
            "",
            "Ship to:",
            *(f"  {text}" for text in address),
            "",
            "Please confirm it by an answer to the mail that brought it.",
            "",
        ]
    )


_ADDRESS = ("name", "street", "city", "country")
_INVOICE = {
    "warranty": "manufacturer (warranty)",
    "contract": "service contract",
    "owner": "owner",
}
