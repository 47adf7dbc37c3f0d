"""What could be done about one fault of a product, prepared once for many decisions.

Probabilities of the product file become floats here, and each action its own cost: what it costs
whether or not it helps, line by line, and what more it costs when it does not.

A van takes every part of its action along. Whoever stands before the appliance does what its cause
needs: the cheapest repair of the fault, with parts that are there, that mends this cause as well.
The other parts go back onto the shelf. So what parts and work cost depends on the cause, and is
expected over the causes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from phonehome_product import Action, Fault, Product

from .costs import Costs
from .situation import LEAD, PART, PERSON, REMOTE_FIX, SELF_HELP, VISIT, WAIT, Kind, Situation

WARNING: Final = 4  # RFC 5424; a fault that is no worse leaves the appliance working
STEPS_MINUTES: Final = 15  # of an action that does not say how long it takes
VISIT_MINUTES: Final = 45  # of a van that a person sends: the mean of the trade
DAYS_PER_YEAR: Final = 365.25
# Nobody takes a motor out to be two hundredths surer that it was the belt.
AS_GOOD: Final = 0.05

WORK: Final = "the technician's time"
FITTED: Final = "parts that are fitted"
RETURNED: Final = "parts taken back"


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that could be done.

    `success` is P(it mends the fault | cause) in the order of the playbook's causes, `lines` what
    it costs at any rate, `days` how long the appliance is without use, `failing` what more it
    costs when it does not help. `by_cause` are the lines of a visit that depend on the cause, in
    the order of the playbook's causes: WORK, and with parts FITTED and RETURNED.
    """

    kind: Kind
    action_id: str | None
    success: tuple[float, ...]
    lines: Mapping[str, float] = field(default_factory=dict)
    days: float = 0.0
    failing: float = 0.0
    parts: tuple[str, ...] = ()
    command: str | None = None
    after: tuple[str, ...] = ()
    by_cause: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its id in the product file, or its kind."""
        return self.action_id or self.kind

    def repeats(self, earlier: "Move") -> bool:
        """Whether it brings what an earlier one has brought: a parcel a part that the owner has
        got, a van no part that was not there. What brings none is other work.
        """
        if self is earlier or self.kind != earlier.kind or not self.parts:
            return False
        if self.kind == PART:
            return not set(self.parts).isdisjoint(earlier.parts)
        return self.kind == VISIT and set(self.parts) <= set(earlier.parts)


@dataclass(frozen=True, slots=True)
class Playbook:
    """The moves of one fault; waiting and a person are always among them, and come first."""

    product: Product
    fault: Fault
    costs: Costs
    causes: tuple[str, ...]
    day: float
    moves: tuple[Move, ...]

    def find(self, name: str) -> Move | None:
        """The move of this name."""
        return next((move for move in self.moves if move.name == name), None)

    @property
    def look(self) -> float:
        """A van that goes to find the cause on the spot."""
        costs = self.costs
        work = costs.look_minutes * costs.technician_minute
        return costs.truck + work + costs.visit_days * self.day

    @property
    def any_repair(self) -> float:
        """What it takes to mend a cause for which the product file knows nothing, or failed."""
        costs = self.costs
        work = VISIT_MINUTES * costs.technician_minute
        return costs.truck + work + costs.visit_days * self.day + costs.wasted_visit

    def cost(self, move: Move, situation: Situation) -> dict[str, float]:
        """What a move costs at any rate, in this situation, line by line."""
        lines = dict(move.lines)
        if move.kind == LEAD:
            lines["value left in the appliance"] = self._value_left(situation.age_days)
        days = self._days(move, situation)
        if days:
            lines[f"{days:g} days without"] = days * self.day
        return lines

    def _days(self, move: Move, situation: Situation) -> float:
        if move.kind == WAIT:
            # The device says that it works again; waiting then keeps nobody from using it.
            return 0.0 if situation.is_recovering else move.days
        if not move.parts:
            return move.days
        arrival = max(self._arrival(part, situation) for part in move.parts)
        return arrival + move.days if move.kind == PART else max(arrival, move.days)

    def _arrival(self, part: str, situation: Situation) -> float:
        known = situation.stock.get(part)
        days = known.days if known else None
        return self.costs.unknown_part_days if days is None else days

    def _value_left(self, age_days: int | None) -> float:
        """Of an appliance whose age nobody knows, all of it: it may be new."""
        service = self.product.service
        if service is None:
            return 0.0
        used = (age_days or 0) / DAYS_PER_YEAR / service.life_years
        return float(service.value) * max(0.0, 1.0 - used)


def make_playbook(product: Product, fault: Fault, costs: Costs) -> Playbook:
    """Prepare what the product file says about one fault."""
    causes = tuple(cause.id for cause in fault.causes)
    day = costs.urgent_day if fault.urgent else costs.day_without
    if fault.severity_code >= WARNING and not fault.urgent:
        day *= costs.nuisance_share
    named = tuple(_move(product, fault, action, causes, costs) for action in fault.actions)
    person = next((m for m in named if m.kind == PERSON), None) or _person(causes, costs)
    wait = Move(WAIT, None, (0.0,) * len(causes), {}, costs.wait_days)
    others = tuple(move for move in named if move.kind != PERSON)
    return Playbook(product, fault, costs, causes, day, (wait, person, *others))


def _person(causes: tuple[str, ...], costs: Costs) -> Move:
    desk = costs.person_minutes * costs.desk_minute
    lines = {"the desk's time": desk}
    return Move(PERSON, None, (1.0,) * len(causes), lines, costs.person_days)


def _move(
    product: Product, fault: Fault, action: Action, causes: tuple[str, ...], costs: Costs
) -> Move:
    success = tuple(float(action.success_given(cause)) for cause in causes)
    if action.kind in (LEAD, PERSON) and not action.success:
        success = (1.0,) * len(causes)  # a new one has none of these faults; a person ends all
    lines, days, failing = _FIGURES[action.kind](product, action, costs)
    return Move(
        action.kind,
        action.id,
        success,
        lines,
        days,
        failing,
        action.parts,
        action.command,
        action.after,
        _by_cause(product, fault, action, causes, costs) if action.kind == VISIT else {},
    )


def _by_cause(
    product: Product, fault: Fault, action: Action, causes: tuple[str, ...], costs: Costs
) -> dict[str, tuple[float, ...]]:
    done = [_repair(product, fault, action, cause, costs) for cause in causes]
    lines = {WORK: tuple(work for work, _ in done)}
    if action.parts:
        lines[FITTED] = tuple(_price(product, parts) for _, parts in done)
        lines[RETURNED] = tuple(
            (len(action.parts) - len(parts)) * costs.part_back for _, parts in done
        )
    return lines


def _repair(
    product: Product, fault: Fault, action: Action, cause: str, costs: Costs
) -> tuple[float, tuple[str, ...]]:
    """What is done on the spot when this is the cause: what the work costs, the parts it fits.

    Against a cause that the visit does not mend nothing is fitted, in all its time.
    """
    most = float(action.success_given(cause))
    if not most:
        return _work(action, costs), ()
    repairs = [
        (_work(other, costs), other.fitted_given(cause))
        for other in fault.actions
        if other.kind == VISIT
        and set(other.parts) <= set(action.parts)
        and float(other.success_given(cause)) >= most - AS_GOOD
    ]
    return min(repairs, key=lambda repair: _price(product, repair[1]) + repair[0])


def _work(action: Action, costs: Costs) -> float:
    return (action.minutes or VISIT_MINUTES) * costs.technician_minute


_Figures = tuple[dict[str, float], float, float]  # lines, days, failing


def _self_help(_product: Product, action: Action, costs: Costs) -> _Figures:
    owner = (action.minutes or STEPS_MINUTES) * costs.owner_minute
    lines = {"mail": costs.mail, "the owner's time": owner}
    return lines, costs.self_help_days, costs.failed_steps


def _remote_fix(_product: Product, _action: Action, costs: Costs) -> _Figures:
    return {"mail": costs.mail}, costs.remote_days, costs.failed_command


def _part(product: Product, action: Action, costs: Costs) -> _Figures:
    owner = (action.minutes or STEPS_MINUTES) * costs.owner_minute
    lines = {
        "parts": _price(product, action.parts),
        "shipping": costs.shipping,
        "the owner's time": owner,
    }
    return lines, costs.part_days, costs.wasted_part


def _visit(_product: Product, _action: Action, costs: Costs) -> _Figures:
    return {"van": costs.truck}, costs.visit_days, costs.wasted_visit


def _lead(_product: Product, _action: Action, costs: Costs) -> _Figures:
    return {"sales' time": costs.lead_minutes * costs.desk_minute}, costs.lead_days, 0.0


def _named_person(_product: Product, action: Action, costs: Costs) -> _Figures:
    minutes = action.minutes or costs.person_minutes
    return {"the desk's time": minutes * costs.desk_minute}, costs.person_days, 0.0


_FIGURES: Final = {
    SELF_HELP: _self_help,
    REMOTE_FIX: _remote_fix,
    PART: _part,
    VISIT: _visit,
    LEAD: _lead,
    PERSON: _named_person,
}


def _price(product: Product, parts: Iterable[str]) -> float:
    found = [product.find_part(number) for number in parts]
    return sum(float(part.price) for part in found if part is not None)
