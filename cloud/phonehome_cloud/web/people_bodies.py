"""Owners, appliances, technicians, suppliers, parts and desks as the API takes and shows them."""

from typing import Annotated

import msgspec

from phonehome_cloud.core.people.kinds import KINDS


class Consent(msgspec.Struct):
    """When a consent was written down (unix ms), and by whom."""

    at: int
    by: str


class NewOwner(msgspec.Struct, forbid_unknown_fields=True):
    """Whose appliance it is; what is left out is empty."""

    name: str
    zone: Annotated[str, msgspec.Meta(description="a time zone of IANA, as in Europe/Berlin")]
    number: str | None = None
    mail: str | None = None
    phone: str | None = None
    language: str = "en"
    street: str = ""
    postcode: str = ""
    city: str = ""
    country: str = ""
    consents: list[str] = []


class Owner(msgspec.Struct):
    """An owner; times are unix milliseconds UTC."""

    owner: str
    number: str | None
    name: str
    mail: str | None
    phone: str | None
    language: str
    street: str
    postcode: str
    city: str
    country: str
    zone: str
    consents: dict[str, Consent]
    created_at: int
    updated_at: int


class NewAppliance(msgspec.Struct, forbid_unknown_fields=True):
    """A device in somebody's home: `owner` is an id; another one than before is a resale."""

    owner: str | None = None
    serial: str | None = None
    bought: str | None = None
    warranty_until: str | None = None
    contract: str | None = None
    contract_until: str | None = None
    grants: list[str] = []


class Appliance(NewAppliance, kw_only=True):
    """An appliance; its product is the device's."""

    device: str
    product: str | None
    owned_at: int | None
    updated_at: int


class NewTechnician(msgspec.Struct, forbid_unknown_fields=True):
    """Who drives."""

    name: str
    zone: str
    mail: str | None = None
    calendar: str | None = None
    phone: str | None = None
    language: str = "en"
    skills: list[str] = []
    area: list[str] = []
    hours: str = "Mon-Fri 08:00-17:00"
    leave: list[str] = []


class Technician(NewTechnician, kw_only=True):
    """A technician."""

    technician: str
    updated_at: int


class NewSupplier(msgspec.Struct, forbid_unknown_fields=True):
    """Where parts come from."""

    name: str
    mail: str | None = None
    hook: str | None = None
    language: str = "en"
    lead_days: int = 5


class Supplier(NewSupplier, kw_only=True):
    """A supplier."""

    supplier: str
    updated_at: int


class NewPart(msgspec.Struct, forbid_unknown_fields=True):
    """A part: what it costs, where it comes from, how many lie where."""

    title: str
    price: str | None = None
    currency: str = "EUR"
    supplier: str | None = None
    lead_days: int | None = None
    discontinued: bool = False
    stock: int = 0
    vans: list[str] = []


class Part(NewPart, kw_only=True):
    """A part; `reserved` are those that are there and promised, wherever."""

    part: str
    reserved: int
    updated_at: int


class NewDesk(msgspec.Struct, forbid_unknown_fields=True):
    """Who answers, and when."""

    mail: str | None = None
    phone: str | None = None
    language: str = "en"
    zone: str = "UTC"
    hours: str = "Mon-Fri 09:00-17:00"
    holidays: list[str] = []


class Desk(NewDesk, kw_only=True):
    """A desk."""

    desk: str
    updated_at: int


class Removed(msgspec.Struct):
    """How many rows of each table were wiped or are gone."""

    removed: dict[str, int]


class File(msgspec.Struct, forbid_unknown_fields=True):
    """One CSV file, as it is; `encoding` is a name as in cp1252, UTF-8 when empty."""

    kind: Annotated[str, msgspec.Meta(description=f"one of {', '.join(KINDS)}")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200, description="its name")]
    content: Annotated[bytes, msgspec.Meta(description="its bytes in base64")]
    encoding: Annotated[str, msgspec.Meta(max_length=20, description="as in cp1252")] = ""


class NewImport(msgspec.Struct, forbid_unknown_fields=True):
    """Files to import together; with `dry_run` nothing is written."""

    files: Annotated[list[File], msgspec.Meta(min_length=1, max_length=20)]
    dry_run: bool = False


class ImportedFile(msgspec.Struct):
    """What an import makes of one file."""

    name: str
    kind: str
    created: int
    updated: int
    unchanged: int


class BadValue(msgspec.Struct):
    """What is wrong; line 1 is the header."""

    file: str
    line: int
    column: str
    value: str
    fix: str


class Import(msgspec.Struct):
    """What an import made of its files, or would: with problems nothing is written."""

    is_written: bool
    files: list[ImportedFile]
    problems: list[BadValue]
