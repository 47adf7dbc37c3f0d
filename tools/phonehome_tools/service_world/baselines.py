"""What is done without the receiver's rules: three simple policies of real service desks."""

from collections.abc import Callable

from phonehome_cloud.core.deciding.rules import SURE_OF_STEPS
from phonehome_product import Action

from .life import Life, Steps
from .offers import replace
from .remedies import person, self_help
from .roster import ANY_TIME
from .visits import visit

MOST_VISITS = 5  # then everybody has had enough, and a new one comes


def always_visit(life: Life) -> Steps:
    """The owner calls; a technician comes with the van's stock, and again with what was missing.

    Whoever takes the call knows the fault code, and now and then has the parts put into the van
    that help most often with it. That is as much diagnosis as the field has.
    """
    life.entry.first = life.entry.first or "visit"
    desk, craft = life.shop.world.desk, life.shop.world.craft
    life.entry.pay("desk", float(desk.booking_minutes) * life.shop.prices.real.desk_minute)
    ordered = _usual(life)
    while life.entry.visits < MOST_VISITS:
        is_prepared = life.happens(float(craft.prepared), "prepared", life.entry.visits)
        yield from visit(life, ordered, ANY_TIME, brings_parts=is_prepared)
    yield from replace(life)


def self_help_first(life: Life) -> Steps:
    """All steps that the product file knows, in its order, then as always_visit."""
    for action in life.fault.actions:
        if action.kind == "self_help":
            life.entry.first = life.entry.first or "self_help"
            yield from self_help(life, action)
    yield from always_visit(life)


def always_person(life: Life) -> Steps:
    """A person at the desk for each fault, who knows the fault code and nothing else."""
    life.entry.first = "person"
    steps = life.failure.truth.believed_action(("self_help",), SURE_OF_STEPS)
    while life.entry.visits < MOST_VISITS:
        yield from person(life, ANY_TIME, lambda: _usual(life), steps)
    yield from replace(life)


def _usual(life: Life) -> Action | None:
    return life.failure.truth.believed_action(("visit",))


BASELINES: dict[str, Callable[[Life], Steps]] = {
    "always_visit": always_visit,
    "self_help_first": self_help_first,
    "always_person": always_person,
}
