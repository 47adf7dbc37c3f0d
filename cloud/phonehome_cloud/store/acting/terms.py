"""The terms of an action: what parts and a visit cost by books and product file."""

from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.part_orders import Line
from phonehome_cloud.core.acting.pricing import (
    CURRENCY,
    PRICED,
    TERMS,
    Terms,
    cents,
    make_terms,
    settle,
    tariff_of,
)
from phonehome_cloud.core.caring import ActionRow, Case, StartError
from phonehome_cloud.store import people

# A visit that a person ordered for a fault without one in the product file: to look at it.
LOOK_MINUTES: Final = 60


def keep(connection: Connection, row: ActionRow, case: Case, now_at: int) -> Terms:
    """The terms that were agreed, with who pays now; those of now where none were told before."""
    known = row.detail.get(TERMS)
    found = settle(known, row.payer) if known else _make(connection, row, case, now_at)
    row.detail[TERMS] = found
    return found


def check_made(connection: Connection, case: Case, now_at: int) -> None:
    """StartError for a part of the action that is not made any more."""
    for number in dict.fromkeys(case.action.parts):
        made = case.product.find_part(number)
        known = people.availability(connection, number, now_at)
        if made is None or made.discontinued or known.is_discontinued:
            raise StartError(f"part {number} is not made any more")


def _make(connection: Connection, row: ActionRow, case: Case, now_at: int) -> Terms:
    if row.kind not in PRICED:
        return make_terms(row.kind, row.payer)
    service = case.product.service if case.product else None
    currency = service.currency if service else CURRENCY
    minutes = (case.action.minutes if case.action else None) or LOOK_MINUTES
    return make_terms(
        row.kind,
        row.payer,
        _lines(connection, case, currency, now_at),
        currency,
        minutes,
        tariff_of(case.product),
    )


def _lines(connection: Connection, case: Case, currency: str, now_at: int) -> list[Line]:
    """The parts of an action at the prices of the books, where they are in the currency of the
    product; else at those of its file.
    """
    lines = []
    for number in dict.fromkeys(case.action.parts if case.action else ()):
        made = case.product.find_part(number) if case.product else None
        known = people.availability(connection, number, now_at)
        price = known.price_cents if known.currency == currency else None
        if price is None:
            price = cents(made.price) if made else 0
        title = made.title if made else number
        lines.append(Line(number, title, case.action.parts.count(number), price))
    return lines
