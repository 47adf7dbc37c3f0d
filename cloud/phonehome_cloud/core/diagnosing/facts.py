"""What is known about a ticket when it is diagnosed, whole: a diagnosis needs nothing else.

Facts are stored with each diagnosis as JSON, so that it can be repeated exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from phonehome_product import Product
from phonehome_wire.registry import METRIC_BOOTS, METRIC_OPERATED_MS, METRIC_OPERATED_S

_MS_PER_HOUR: Final = 3_600_000
_NOTHING: Final[Mapping[Any, Any]] = MappingProxyType({})

FaultId = tuple[int, int]  # spn, fmi


@dataclass(frozen=True, slots=True)
class Repair:
    """A cause that was mended at this appliance; `at` is unix ms UTC."""

    cause: str
    at: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One ticket of one device; what is not known is None or absent.

    `frame` and `value` are those of the newest confirmation (store.schema.fault_event), `active`
    every other fault that is there now, `metrics` the newest heartbeat by number, `usage` counts
    by name (usage_of), `answers` the values that commands of the allow-list came back with.
    """

    device: str
    ticket: int
    product: str | None
    spn: int
    fmi: int
    now_at: int
    frame: Mapping[str, Any] | None = None
    value: float | None = None
    context: Mapping[str, Any] | None = None
    active: frozenset[FaultId] = frozenset()
    metrics: Mapping[int, int] = field(default_factory=lambda: _NOTHING)
    age_days: int | None = None
    usage: Mapping[str, int] = field(default_factory=lambda: _NOTHING)
    build: str | None = None
    repairs: tuple[Repair, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


def usage_of(
    product: Product | None, metrics: Mapping[int, int], occurrences: int, reopened: int
) -> dict[str, int]:
    """The counts that evidence may look at: the receiver's own and the application's."""
    usage = {"occurrences": occurrences, "reopened": reopened}
    if METRIC_BOOTS in metrics:
        usage["boots"] = metrics[METRIC_BOOTS]
    if METRIC_OPERATED_MS in metrics:
        usage["hours"] = metrics[METRIC_OPERATED_MS] // _MS_PER_HOUR
    elif METRIC_OPERATED_S in metrics:
        usage["hours"] = metrics[METRIC_OPERATED_S] // 3600
    for own in product.usages if product else ():
        if own.metric in metrics:
            usage[own.name] = metrics[own.metric]
    return usage


def write_facts(facts: Facts) -> dict[str, Any]:
    """The facts as JSON knows them."""
    return {
        "device": facts.device,
        "ticket": facts.ticket,
        "product": facts.product,
        "spn": facts.spn,
        "fmi": facts.fmi,
        "now_at": facts.now_at,
        "frame": facts.frame and dict(facts.frame),
        "value": facts.value,
        "context": facts.context and dict(facts.context),
        "active": [list(fault) for fault in sorted(facts.active)],
        "metrics": {str(number): value for number, value in sorted(facts.metrics.items())},
        "age_days": facts.age_days,
        "usage": dict(sorted(facts.usage.items())),
        "build": facts.build,
        "repairs": [[repair.cause, repair.at] for repair in facts.repairs],
        "answers": dict(sorted(facts.answers.items())),
    }


def read_facts(written: Mapping[str, Any]) -> Facts:
    """The facts that `write_facts` wrote."""
    return Facts(
        **{
            **written,
            "active": frozenset((spn, fmi) for spn, fmi in written["active"]),
            "metrics": {int(number): value for number, value in written["metrics"].items()},
            "repairs": tuple(Repair(cause, at) for cause, at in written["repairs"]),
        }
    )
