"""What an owner types about themselves, on the page of a claim and on their own."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from phonehome_cloud.core.people.fields import is_place
from phonehome_cloud.core.people.kinds import OWNERS
from phonehome_cloud.core.people.sheets import check

PERSON: Final = ("name", "mail", "phone", "street", "postcode", "city", "country", "zone")
_NEEDED: Final = ("name", "mail", "zone")


def read_person(given: Mapping[str, str]) -> tuple[dict[str, Any], set[str]]:
    """The values of an owner, and the fields that are wrong."""
    texts = {name: given[name] for name in PERSON}
    texts |= {name: given[name].upper() for name in ("country", "postcode")}
    values, found = check(OWNERS, texts)
    return values, {name for name, _ in found} | {name for name in _NEEDED if not given[name]}


@cache
def zones() -> tuple[str, ...]:
    """What there is to choose from."""
    return tuple(sorted(filter(is_place, available_timezones())))
