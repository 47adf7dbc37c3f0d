"""An owner and what they own, as the rest of the receiver sees them."""

from dataclasses import dataclass
from typing import Final

DAY_MS: Final = 86_400_000
BY_WARRANTY: Final = "warranty"
BY_CONTRACT: Final = "contract"
BY_OWNER: Final = "owner"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose appliance it is; `mail` and `phone` are None when nobody knows them.

    `zone` is of IANA, `language` as in "de", `country` of ISO 3166; `consents` are the names of
    core.people.consents that were given.
    """

    id: str
    name: str
    mail: str | None
    phone: str | None
    language: str
    zone: str
    street: str
    postcode: str
    city: str
    country: str
    consents: frozenset[str]

    @property
    def address(self) -> str:
        """Where they live, in lines as on a letter; empty when nobody knows."""
        town = f"{self.postcode} {self.city}".strip()
        return "\n".join(line for line in (self.street, town, self.country) if line)

    @property
    def area(self) -> str:
        """As technicians' areas are written: country-postcode, as in "DE-10115"; or empty."""
        return f"{self.country}-{self.postcode}" if self.country and self.postcode else ""


@dataclass(frozen=True, slots=True)
class Appliance:
    """A device in somebody's home. Dates are 00:00 UTC of their day, as unix ms; None: unknown.

    `grants` are the consents that the contract gives.
    """

    device: str
    product: str | None
    owner: str | None
    serial: str | None
    bought_at: int | None
    warranty_until: int | None
    contract: str | None
    contract_until: int | None
    grants: frozenset[str]

    def payer(self, now_at: int) -> str:
        """Who pays for a repair now: the warranty, else the contract, else the owner."""
        if self.warranty_until is not None and now_at < self.warranty_until + DAY_MS:
            return BY_WARRANTY
        return BY_CONTRACT if self.has_contract(now_at) else BY_OWNER

    def has_contract(self, now_at: int) -> bool:
        """Whether a service contract is good now; one without an end has none."""
        if self.contract is None:
            return False
        return self.contract_until is None or now_at < self.contract_until + DAY_MS

    def granted(self, now_at: int) -> frozenset[str]:
        """The consents that the contract gives now."""
        return self.grants if self.has_contract(now_at) else frozenset()

    def age_days(self, now_at: int) -> int | None:
        """Whole days since it was bought; None when nobody knows."""
        return None if self.bought_at is None else max(0, (now_at - self.bought_at) // DAY_MS)
