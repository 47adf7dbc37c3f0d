"""Days, times and money as people of a language write them.

Babel, because it has the tables of CLDR. It is loaded when somebody is first written to: 1 MiB,
and a receiver that only takes reports in never needs them.
"""

from datetime import date, datetime
from decimal import Decimal


def full_day(day: date, locale: str) -> str:
    """A day with its weekday and its month as a word."""
    from babel.dates import format_date  # noqa: PLC0415 - see above

    return str(format_date(day, "full", locale=locale))


def moment(at: datetime, pattern: str, locale: str) -> str:
    """A moment by a pattern of CLDR such as "EEEE, d MMMM y, HH:mm"."""
    from babel.dates import format_datetime  # noqa: PLC0415 - see above

    return str(format_datetime(at, pattern, locale=locale))


def money(amount: float | Decimal, currency: str, locale: str) -> str:
    """An amount; `currency` as in ISO 4217."""
    from babel.numbers import format_currency  # noqa: PLC0415 - see above

    return str(format_currency(amount, currency, locale=locale))
