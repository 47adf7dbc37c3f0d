"""Readers of one field each: a text in, its value out, or ValueError with what would be right."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

# email-validator: what an address may look like is longer than any pattern; it asks no network.
from email_validator import EmailNotValidError, validate_email

from . import consents
from .hours import WANTED as WANTED_HOURS
from .hours import read_hours

MAX_TEXT_CHARS: Final = 200
MAX_STOCK: Final = 1_000_000
MAX_LEAD_DAYS: Final = 730
_MAX_CENTS: Final = 10**9
_YES: Final = frozenset(("yes", "true", "1", "ja"))
_NO: Final = frozenset(("no", "false", "0", "nein", ""))
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_PHONE_FILL = re.compile(r"[ ()/.-]")
_MONEY = re.compile(r"([0-9]{1,7})(?:[.,]([0-9]{2}))?", re.ASCII)
_AREA = re.compile(r"[A-Z]{2}(-[A-Z0-9 ]{0,11})?", re.ASCII)
_VAN = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,31})=([0-9]{1,7})", re.ASCII)


def text(value: str) -> str:
    """Some words on one line, up to 200 characters."""
    if not value or len(value) > MAX_TEXT_CHARS or not value.isprintable():
        raise ValueError(f"1 to {MAX_TEXT_CHARS} characters on one line")
    return value


def _matching(pattern: str, wants: str) -> Callable[[str], str]:
    compiled = re.compile(pattern, re.ASCII)

    def read(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(wants)
        return value

    return read


key = _matching(_KEY.pattern, "1 to 32 letters, digits, dashes and underscores")
number = _matching(r"[!-~]{1,64}", "up to 64 characters without spaces")
device = _matching(r"[0-9a-f]{16}", "an EUI-64 as 16 lower-case hex digits")
language = _matching(r"[a-z]{2}(-[A-Z]{2})?", "a language as in de or pt-BR")
country = _matching(r"[A-Z]{2}", "a country of ISO 3166 as in DE")
postcode = _matching(r"[A-Z0-9][A-Z0-9 -]{0,11}", "up to 12 capitals, digits, dashes and spaces")
currency = _matching(r"[A-Z]{3}", "a currency of ISO 4217 as in EUR")


def mail(value: str) -> str:
    """An address; its domain in lower case."""
    try:
        found = validate_email(value, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(f"an address as in jane@example.org: {error}") from None
    return found.normalized


def phone(value: str) -> str:
    """A number as in E.164; what people put between the digits is left out."""
    plain = _PHONE_FILL.sub("", value)
    if not _PHONE.fullmatch(plain):
        raise ValueError("a number with its country, as in +49 30 1234567")
    return plain


def zone(value: str) -> str:
    """A time zone of IANA."""
    if value not in _zones():
        raise ValueError("a time zone of IANA, as in Europe/Berlin")
    return value


@cache
def _zones() -> frozenset[str]:
    return frozenset(filter(is_place, available_timezones()))


def is_place(name: str) -> bool:
    """Whether a zone is that of a place, or UTC: CET and the like do not say whose rules."""
    return name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/")))


def day(value: str) -> int:
    """A day as in 2026-11-27: its 00:00 UTC as unix ms."""
    return _at(_day(value))


def _day(value: str) -> date:
    try:
        found = date.fromisoformat(value)
    except ValueError:
        found = date.min
    if not 1970 < found.year < 2100 or len(value) != len("2026-11-27"):
        raise ValueError("a day as in 2026-11-27")
    return found


def _at(of: date) -> int:
    return int(datetime(of.year, of.month, of.day, tzinfo=UTC).timestamp()) * 1000


def iso_day(value: str) -> str:
    """A day as in 2026-12-25, as it is."""
    return _day(value).isoformat()


def span(value: str) -> tuple[date, date]:
    """Days from and to, both of them away: 2026-12-24..2026-12-31, or one day."""
    first, _, last = value.partition("..")
    try:
        found = _day(first), _day(last or first)
    except ValueError:
        found = date.max, date.min
    if found[1] < found[0]:
        raise ValueError("days as in 2026-12-24..2026-12-31, the last one included") from None
    return found


def span_at(days: tuple[date, date], zone_name: str) -> tuple[int, int]:
    """The moments at which days begin and have ended on the clock of a zone, as unix ms."""
    where = ZoneInfo(zone_name)
    ends = days[0], days[1] + timedelta(days=1)
    first, last = (datetime(d.year, d.month, d.day, tzinfo=where).timestamp() for d in ends)
    return int(first) * 1000, int(last) * 1000


def hours(value: str) -> str:
    """Working hours, as people write them."""
    try:
        read_hours(value)
    except ValueError as error:
        raise ValueError(f"hours as in {WANTED_HOURS}: {error}") from None
    return value


def area(value: str) -> str:
    """Where postcodes begin, with the country: DE-10, or DE for all of it."""
    if not _AREA.fullmatch(value):
        raise ValueError("a country, or with the start of a postcode: DE-10")
    return value


def money(value: str) -> int:
    """An amount as in 48.90, in hundredths."""
    match = _MONEY.fullmatch(value)
    cents = int(match[1]) * 100 + int(match[2] or 0) if match else _MAX_CENTS + 1
    if cents > _MAX_CENTS:
        raise ValueError("an amount as in 48.90")
    return cents


def pieces(value: str) -> int:
    """How many there are."""
    return _whole(value, MAX_STOCK, "a whole number of pieces, 0 or more")


def days(value: str) -> int:
    """How many days something takes."""
    return _whole(value, MAX_LEAD_DAYS, f"whole days, 0 to {MAX_LEAD_DAYS}")


def _whole(value: str, most: int, wants: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= most):
        raise ValueError(wants)
    return int(value)


def van(value: str) -> tuple[str, int]:
    """How many lie in the van of a technician: T-07=2."""
    match = _VAN.fullmatch(value)
    if match is None or int(match[2]) > MAX_STOCK:
        raise ValueError("a technician and a number of pieces, as in T-07=2")
    return match[1], int(match[2])


def flag(value: str) -> bool:
    """Yes or no."""
    if value.lower() not in _YES | _NO:
        raise ValueError("yes or no")
    return value.lower() in _YES


def _one_of(names: Any) -> Callable[[str], str]:
    known = tuple(sorted(names))

    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return value

    return read


consent = _one_of(consents.CONSENTS)
grant = _one_of(consents.GRANTS)
