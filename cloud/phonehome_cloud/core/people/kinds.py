"""What there is to say of each kind: its fields, in files and in the API, by the same names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from . import fields as f
from .desks import OFFICE_HOURS


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its reader, and what an empty cell means.

    `many` values stand in one cell with `;` or `|` between them. A field without a default must
    not be empty; `wants` says in the documentation what it holds.
    """

    name: str
    read: Callable[[str], Any]
    wants: str
    default: Any = None
    is_needed: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing; the first field is the key by which an import finds it again."""

    name: str
    one: str
    fields: tuple[Field, ...]

    @property
    def key(self) -> Field:
        """The field that is different for each."""
        return self.fields[0]

    def find(self, name: str) -> Field | None:
        """A field by its name; None when there is none."""
        return next((field for field in self.fields if field.name == name), None)


def _needed(name: str, read: Callable[[str], Any], wants: str) -> Field:
    return Field(name, read, wants, is_needed=True)


_MAIL = "an address"
_PHONE = "a number with its country"
_LANGUAGE = "a language of letters, as in `de`"

OWNERS: Final = Kind(
    "owners",
    "owner",
    (
        _needed("number", f.number, "the customer's number in your books"),
        _needed("name", f.text, "as on a letter"),
        Field("mail", f.mail, _MAIL),
        Field("phone", f.phone, _PHONE),
        Field("language", f.language, _LANGUAGE, "en"),
        Field("street", f.text, "street and house", ""),
        Field("postcode", f.postcode, "as on a letter", ""),
        Field("city", f.text, "as on a letter", ""),
        Field("country", f.country, "as in `DE`", ""),
        _needed("zone", f.zone, "a time zone of IANA, as in `Europe/Berlin`"),
        Field("consents", f.consent, "what they agreed to", (), many=True),
    ),
)
APPLIANCES: Final = Kind(
    "appliances",
    "appliance",
    (
        _needed("device", f.device, "a device that is registered"),
        Field("product", f.key, "its product, to be compared with what is registered"),
        Field("owner", f.number, "the number of an owner"),
        Field("serial", f.number, "as on the appliance"),
        Field("bought", f.day, "a day as in 2026-11-27"),
        Field("warranty_until", f.day, "the last day of the warranty"),
        Field("contract", f.number, "the number of a service contract"),
        Field("contract_until", f.day, "its last day"),
        Field("grants", f.grant, "what the contract agrees to", (), many=True),
    ),
)
TECHNICIANS: Final = Kind(
    "technicians",
    "technician",
    (
        _needed("technician", f.key, "how your books call them"),
        _needed("name", f.text, "as owners read it"),
        Field("mail", f.mail, _MAIL),
        Field("calendar", f.mail, "where invitations go; empty: to `mail`"),
        Field("phone", f.phone, _PHONE),
        Field("language", f.language, _LANGUAGE, "en"),
        _needed("zone", f.zone, "on whose clock they work"),
        Field("skills", f.key, "as product files name them", (), many=True),
        Field("area", f.area, "where they drive: starts of postcodes, `DE-10`", (), many=True),
        Field("hours", f.hours, "`Mon-Fri 08:00-17:00; Sat 09:00-12:00`", "Mon-Fri 08:00-17:00"),
        Field("leave", f.span, "days away: `2026-12-24..2026-12-31`", (), many=True),
    ),
)
SUPPLIERS: Final = Kind(
    "suppliers",
    "supplier",
    (
        _needed("supplier", f.key, "how your books call them"),
        _needed("name", f.text, "as on a letter"),
        Field("mail", f.mail, "where orders go"),
        Field("hook", f.key, "the webhook that orders go to"),
        Field("language", f.language, _LANGUAGE, "en"),
        Field("lead_days", f.days, "how many days they take", 5),
    ),
)
PARTS: Final = Kind(
    "parts",
    "part",
    (
        _needed("part", f.number, "its number, as product files name it"),
        _needed("title", f.text, "as owners read it"),
        Field("price", f.money, "an amount as in 48.90"),
        Field("currency", f.currency, "as in `EUR`", "EUR"),
        Field("supplier", f.key, "a supplier"),
        Field("lead_days", f.days, "how many days it takes; empty: as the supplier"),
        Field("discontinued", f.flag, "yes or no", default=False),
        Field("stock", f.pieces, "pieces in the depot", 0),
        Field("vans", f.van, "pieces in vans: `T-07=2`", (), many=True),
    ),
)
DESKS: Final = Kind(
    "desks",
    "desk",
    (
        _needed("desk", f.key, "`service` or `sales`"),
        Field("mail", f.mail, _MAIL),
        Field("phone", f.phone, _PHONE),
        Field("language", f.language, _LANGUAGE, "en"),
        Field("zone", f.zone, "on whose clock it works", "UTC"),
        Field("hours", f.hours, "when somebody answers", OFFICE_HOURS),
        Field("holidays", f.iso_day, "days on which nobody does", (), many=True),
    ),
)
# In the order in which they refer to each other.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.name: kind for kind in (OWNERS, TECHNICIANS, SUPPLIERS, PARTS, APPLIANCES, DESKS)}
)
