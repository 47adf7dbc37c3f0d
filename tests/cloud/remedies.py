"""A small product with something to do about its faults, and the words of a situation."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from phonehome_cloud.core.deciding.choice import choose
from phonehome_cloud.core.deciding.costs import costs_of
from phonehome_cloud.core.deciding.situation import Availability, Situation, Tried
from phonehome_cloud.core.diagnosing.diagnosis import Diagnosis, Ranked
from phonehome_product import parse
from tests.fakes.store import START_AT

TEXT = (Path(__file__).parent / "remedies.toml").read_text()
CODES = PUMP, GRID, LEAK, DRUM, BUG, BARE = "P1", "P2", "P3", "P4", "P5", "P6"
ALL = frozenset({"part", "visit", "lead", "remote_fix"})


def load(text=TEXT, **replaced):
    """The product of remedies.toml, checked; `replaced` are texts for other texts."""
    for old, new in replaced.items():
        assert old in text
        text = text.replace(old, new)
    return parse(text, "remedies.toml")


PRODUCT = load()


def fault_of(code, product=PRODUCT):
    """The fault of this code."""
    return next(fault for fault in product.faults if fault.code == code)


def diagnosed(fault, why_unsure="", **probabilities):
    """A diagnosis with these probabilities; a cause that is not named has none."""
    causes = [
        Ranked(c.id, c.title, float(probabilities.get(c.id, 0)), float(c.prior), ())
        for c in fault.causes
    ]
    causes.sort(key=lambda cause: -cause.probability)
    return Diagnosis(tuple(causes), why_unsure, {}, (), ())


def situation(**given):
    """An owner who is known and agreed to everything, and a device that is there."""
    usual = {"now_at": START_AT, "consents": ALL, "owner_known": True, "is_online": True}
    usual["stock"] = {part.number: Availability(0) for part in PRODUCT.parts}
    return Situation(**(usual | given))


def decide(code, given=None, product=PRODUCT, why_unsure="", costs=None, **probabilities):
    """What is chosen about a fault of the product."""
    fault = fault_of(code, product)
    found = diagnosed(fault, why_unsure, **probabilities)
    table = costs or costs_of(product.service.costs)
    return choose(product, fault, found, given or situation(), table)


def tried(*names, outcome="failed", kind="self_help"):
    """Actions that ended like this."""
    return tuple(Tried(name, kind, outcome) for name in names)


def scaled(product, factor):
    """The same product with every amount of money times a factor."""
    by = Decimal(factor)
    service = replace(product.service, value=product.service.value * by)
    parts = tuple(replace(part, price=part.price * by) for part in product.parts)
    return replace(product, service=service, parts=parts)


def ruled_out(decision, name):
    """By which rule an option of this name is ruled out."""
    (option,) = (o for o in decision.options if name in (o.action_id, o.kind))
    return option.ruled_out_by
