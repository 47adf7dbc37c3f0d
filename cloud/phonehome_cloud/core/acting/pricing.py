"""What an owner pays for an action: told before they agree, and kept as it was agreed.

Terms are JSON, in `detail` of the action: every amount is a whole number of hundredths of its
currency, with all taxes. What a visit will take is not known before, so what it may cost is a
limit: the planned quarters of an hour and all parts that are brought along. Nobody goes beyond
that without asking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from phonehome_cloud.core.deciding.situation import OWNER, PART, VISIT
from phonehome_product import Product

from .part_orders import Line, money, total_of

TERMS: Final = "terms"  # where they are in the detail of an action
CURRENCY: Final = "EUR"  # of a product whose file says none
PRICED: Final = frozenset((PART, VISIT))
_QUARTER_MIN: Final = 15

Terms = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a visit costs besides its parts, in hundredths."""

    call_out: int
    quarter_hour: int


def cents(amount: Decimal) -> int:
    """An amount of a product file in hundredths."""
    return int((amount * 100).to_integral_value(ROUND_HALF_UP))


def tariff_of(product: Product | None) -> Tariff | None:
    """The tariff of a product; None where its file has none."""
    service = product.service if product else None
    if service is None or service.tariff is None:
        return None
    return Tariff(cents(service.tariff.call_out), cents(service.tariff.quarter_hour))


def make_terms(
    kind: str,
    payer: str,
    lines: Sequence[Line] = (),
    currency: str = CURRENCY,
    minutes: int | None = None,
    tariff: Tariff | None = None,
) -> Terms:
    """The terms of an action. `total` is what it costs, `owner_pays` what of that its owner pays:
    None where nobody can say; `is_limit` says that it may be less.
    """
    is_visit = kind == VISIT
    quarters = -(-(minutes or 0) // _QUARTER_MIN) if is_visit else 0
    total: int | None = total_of(lines)
    if is_visit:
        total = total_of(lines) + _work(tariff, quarters) if tariff else None
    terms = {
        "kind": kind,
        "payer": payer,
        "currency": currency,
        "parts": [asdict(line) for line in lines],
        "minutes": minutes,
        "call_out": tariff.call_out if tariff and is_visit else None,
        "quarter_hour": tariff.quarter_hour if tariff and is_visit else None,
        "quarters": quarters,
        "total": total,
        "is_limit": is_visit,
    }
    return settle(terms, payer)


def _work(tariff: Tariff, quarters: int) -> int:
    return tariff.call_out + quarters * tariff.quarter_hour


def settle(terms: Mapping[str, Any], payer: str) -> Terms:
    """The same terms when somebody else pays."""
    owner_pays = terms["total"] if payer == OWNER else 0
    return {**terms, "payer": payer, "owner_pays": owner_pays}


def agreed_payer(terms: Mapping[str, Any] | None, payer: str) -> str:
    """Who pays what begins now: an owner who agreed to what costs nothing pays nothing, although
    the warranty ended since; one whom a contract covers since does not, either.
    """
    if terms is None or terms["payer"] == OWNER:
        return payer
    return str(terms["payer"])


def lines_of(terms: Mapping[str, Any]) -> list[Line]:
    """The parts, at the prices that were told."""
    return [Line(**line) for line in terms["parts"]]


def say_terms(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What the history of a ticket says of the terms of an action; nothing where it has none."""
    terms = detail.get(TERMS)
    if terms is None or terms["kind"] not in PRICED:
        return {}
    amount = terms["owner_pays"]
    if amount is None:
        return {"owner_pays": "parts, way and work"}
    word = "owner_pays_at_most" if terms["is_limit"] and amount else "owner_pays"
    return {word: money(amount, terms["currency"])}
