"""What an owner, or a service contract, has agreed to. A consent that nobody gave is not given."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VISIT: Final = "visit"
PART: Final = "part"
REMOTE_FIX: Final = "remote_fix"
LEAD: Final = "lead"
PRESENCE: Final = "presence"
SHARE: Final = "share"

CONSENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        VISIT: "send a technician without asking each time",
        PART: "send a part without asking each time",
        REMOTE_FIX: "repair over the network without asking each time",
        LEAD: "the sales desk may offer a replacement",
        PRESENCE: "learn from use when somebody is home",
        SHARE: "share the appliance's data with a repairer of the owner's choice",
    }
)
# What a contract may agree to for its owner; the others are the owner's own.
GRANTS: Final = frozenset((VISIT, PART, REMOTE_FIX))
