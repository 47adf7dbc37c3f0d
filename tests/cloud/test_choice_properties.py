"""What holds for every decision, whatever the figures are."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome_cloud.core.deciding.choice import choose
from phonehome_cloud.core.deciding.costs import REASONS, costs_of
from phonehome_cloud.core.deciding.situation import Availability
from tests.cloud.remedies import (
    CODES,
    PRODUCT,
    diagnosed,
    fault_of,
    scaled,
    situation,
    tried,
)

AMOUNTS = st.floats(0.01, 1000, allow_nan=False)
TABLES = st.fixed_dictionaries(
    {name: AMOUNTS for name in REASONS if name not in ("person_knows", "nuisance_share")}
    | {"person_knows": st.floats(0, 1), "nuisance_share": st.floats(0, 1)}
).map(costs_of)
MONEY = [
    "truck",
    "technician_minute",
    "wasted_visit",
    "shipping",
    "wasted_part",
    "part_back",
    "desk_minute",
    "owner_minute",
    "failed_steps",
    "failed_command",
    "mail",
    "day_without",
    "urgent_day",
]
NAMES = [a.id for code in CODES for a in fault_of(code).actions]
TRIED = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(["helped", "failed", "declined"])),
    max_size=3,
)
SITUATIONS = st.builds(
    situation,
    payer=st.sampled_from(["warranty", "contract", "owner"]),
    consents=st.frozensets(st.sampled_from(["part", "visit", "lead", "remote_fix"])),
    age_days=st.none() | st.integers(0, 8000),
    running=st.none() | st.just("clean_filter"),
    incident=st.none() | st.just("i1"),
    owner_known=st.booleans(),
    is_online=st.none() | st.booleans(),
    is_recovering=st.booleans(),
    tried=TRIED.map(lambda ends: tuple(tried(n, outcome=o)[0] for n, o in ends)),
    stock=st.dictionaries(
        st.sampled_from([part.number for part in PRODUCT.parts]),
        st.builds(Availability, st.none() | st.floats(0, 60), st.booleans()),
    ),
)


@st.composite
def cases(draw):
    """A fault, a diagnosis of it, a situation and a table of costs."""
    fault = fault_of(draw(st.sampled_from(CODES)))
    weights = [draw(st.integers(0, 20)) for _ in fault.causes]
    total = sum(weights) or 1
    shares = {c.id: w / total for c, w in zip(fault.causes, weights, strict=True)}
    why = draw(st.sampled_from(["", "nothing stands out"]))
    return fault, diagnosed(fault, why, **shares), draw(SITUATIONS), draw(TABLES)


@given(cases())
def test_never_a_forbidden_action(case):
    """Whatever the figures are: what is chosen is allowed, and asked for where it must be."""
    fault, diagnosis, now, costs = case
    decision = choose(PRODUCT, fault, diagnosis, now, costs)
    chosen = decision.chosen
    assert chosen.ruled_out_by is None
    if now.running is not None:
        assert chosen.kind == "wait"
    elif fault.safety:
        assert chosen.kind == "person"
    elif now.incident is not None:
        assert chosen.kind == "wait"
    if chosen.kind in ("part", "visit", "lead", "remote_fix"):
        assert decision.needs_consent == (chosen.kind not in now.consents)
        assert now.owner_known or not decision.needs_consent
    assert chosen.action_id != "no_heat"
    if chosen.kind == "lead":
        assert now.payer == "owner"
    assert decision.tells_owner == now.owner_known


@given(cases(), st.sampled_from([0.125, 0.5, 2.0, 16.0]))
@settings(deadline=None)
def test_scale_changes_nothing(case, factor):
    """Counting in another currency is no other decision."""
    fault, diagnosis, now, costs = case
    there = scaled(PRODUCT, factor)
    other = costs_of(
        {name: getattr(costs, name) * (factor if name in MONEY else 1) for name in REASONS}
    )
    mine = choose(PRODUCT, fault, diagnosis, now, costs)
    theirs = choose(there, fault_of(fault.code, there), diagnosis, now, other)
    assert (theirs.chosen.kind, theirs.chosen.action_id) == (
        mine.chosen.kind,
        mine.chosen.action_id,
    )
    assert theirs.chosen.expected_cost == pytest.approx(mine.chosen.expected_cost * factor)


@given(cases(), st.floats(0, 0.9), st.integers(5, 200))
@settings(deadline=None)
def test_what_is_dominated_is_never_chosen(case, worse, longer):
    """An action that takes longer and helps less than another one is never the first."""
    fault, diagnosis, now, costs = case
    base = next((a for a in fault.actions if a.kind == "self_help" and not a.after), None)
    if base is None:
        return
    success = {
        cause: type(p)(str(round(float(p) * worse, 6))) for cause, p in base.success.items()
    }
    bad = replace(base, id="bad", success=success, minutes=(base.minutes or 15) + longer)
    with_bad = replace(fault, actions=(*fault.actions, bad))
    decision = choose(PRODUCT, with_bad, diagnosis, now, costs)
    base_tried = any(t.action_id == base.id for t in now.tried)
    assert decision.chosen.action_id != "bad" or base_tried


@given(cases())
def test_cheapest_first_and_the_ruled_out_last(case):
    """The order in which an operator reads the options is that of the choice."""
    decision = choose(PRODUCT, *case)
    allowed = [o.expected_cost for o in decision.options if o.ruled_out_by is None]
    assert allowed == sorted(allowed)
    flags = [o.ruled_out_by is not None for o in decision.options]
    assert flags == sorted(flags)
    assert decision.options[0] == decision.chosen
