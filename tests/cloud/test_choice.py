"""The decision: three lanes, and an arithmetic that can be read."""

from dataclasses import replace

import pytest

from phonehome_cloud.core.deciding.choice import choose
from phonehome_cloud.core.deciding.costs import REASONS, Costs, CostsError, costs_of
from phonehome_product import parse
from tests.cloud.causes import HEAD
from tests.cloud.remedies import (
    DRUM,
    LEAK,
    PRODUCT,
    PUMP,
    decide,
    fault_of,
    scaled,
    situation,
    tried,
)

KIT = (
    HEAD
    + """
[[part]]
number = "K-PUMP"
title = "Pump"
price = 50
[[part]]
number = "K-BOARD"
title = "Board"
price = 150
[[fault.cause]]
id = "dead"
title = "The pump is dead"
prior = 0.75
[[fault.cause]]
id = "burnt"
title = "The board is burnt"
prior = 0.25
[[fault.action]]
id = "swap_pump"
kind = "visit"
parts = ["K-PUMP"]
skills = ["electric"]
minutes = 40
success = { dead = 0.95 }
[[fault.action]]
id = "swap_both"
kind = "visit"
parts = ["K-PUMP", "K-BOARD"]
skills = ["electric"]
minutes = 40
success = { dead = 0.95, burnt = 0.95 }
"""
)


def test_clear_failure_lane():
    """A clear failure: the part is on its way before anybody calls, and nobody is asked first."""
    decision = decide(PUMP, torn=0.9, dead=0.1)
    assert (decision.lane, decision.chosen.kind) == ("clear", "part")
    assert decision.chosen.action_id == "send_sieve"
    assert not decision.needs_consent


def test_clear_failure_lane_by_van():
    """A clear failure that an owner cannot mend: the visit, with its part."""
    decision = decide(PUMP, dead=0.99, torn=0.01)
    assert (decision.lane, decision.chosen.action_id) == ("clear", "swap_pump")


def test_unclear_lane():
    """No cause is sure and no action helps anyway: a person, who sees every option and why."""
    unsure = "the first two causes are equally likely"
    decision = decide(PUMP, why_unsure=unsure, clogged=0.4, dead=0.2, torn=0.4)
    assert (decision.lane, decision.chosen.kind) == ("unclear", "person")
    assert {option.action_id for option in decision.options} >= {"clean_filter", "swap_pump"}
    assert any(unsure in line for line in decision.why)


def test_self_healing_lane():
    """Known, and the owner can mend it: steps by mail."""
    decision = decide(PUMP, clogged=0.9, dead=0.1)
    assert (decision.lane, decision.chosen.kind) == ("self_healing", "self_help")


def test_a_healing_device_is_waited_for():
    """The device reports that it is healed: nothing is sent while the off-rule runs."""
    decision = decide(PUMP, situation(is_recovering=True), clogged=0.9, dead=0.1)
    assert (decision.lane, decision.chosen.kind) == ("self_healing", "wait")


def test_a_product_without_service_is_a_persons():
    """What no file describes goes to a person; a safety fault says so."""
    bare = replace(PRODUCT, service=None)
    for product, fault in ((None, None), (bare, fault_of(PUMP)), (bare, fault_of(LEAK))):
        decision = choose(product, fault, None, situation(), Costs())
        assert decision.chosen.kind == "person"
        assert decision.lane == ("safety" if fault and fault.safety else "unclear")


def test_an_old_machine_is_a_lead():
    """No repair makes sense: the value that is left in it is less than the repair."""
    assert decide(DRUM, situation(age_days=3600), cracked=1).lane == "lead"
    assert decide(DRUM, situation(age_days=200), cracked=1).chosen.kind == "visit"
    assert decide(DRUM, situation(age_days=None), cracked=1).chosen.kind == "visit"


def test_a_cheap_step_comes_before_a_sure_one():
    """Steps that cost a tenth of a van are worth trying at even odds, and the van comes next."""
    decision = decide(PUMP, clogged=0.6, dead=0.4)
    assert decision.chosen.action_id == "clean_filter"
    after = decide(PUMP, situation(tried=tried("clean_filter")), clogged=0.6, dead=0.4)
    assert after.chosen.action_id == "swap_pump"


def test_what_failing_costs_is_what_comes_next():
    """The last line of an option is the probability of failing times the best that follows."""
    decision = decide(PUMP, clogged=0.6, dead=0.4)
    first = decision.chosen
    after = decide(PUMP, situation(tried=tried("clean_filter")), clogged=0.6, dead=0.4)
    table = costs_of(PRODUCT.service.costs)
    follows = (1 - first.p_success) * (table.failed_steps + after.chosen.expected_cost)
    assert first.parts_of_cost["if it fails"] == pytest.approx(follows)


def test_every_figure_is_said():
    """An operator reads each option with its probability, its sum and the lines of the sum."""
    decision = decide(PUMP, torn=0.9, dead=0.1)
    for option in decision.options:
        assert option.expected_cost == pytest.approx(sum(option.parts_of_cost.values()))
        name = f"{option.kind} {option.action_id}" if option.action_id else option.kind
        (line,) = (line for line in decision.why if line.startswith(f"{name}:"))
        assert f"{option.p_success:.0%}; {option.expected_cost:.2f} = " in line
        for amount in option.parts_of_cost.values():
            assert f"{amount:.2f}" in line


def test_every_cost_has_its_reason():
    """No figure of the table stands there without one."""
    assert set(REASONS) == set(Costs.__dataclass_fields__)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"lorry": 1}, "lorry"), ({"truck": -1}, "truck"), ({"truck": 1e9}, "1000")],
)
def test_an_override_that_is_none(given, said):
    """A key or an amount that is no cost is refused by its name."""
    with pytest.raises(CostsError, match=said):
        costs_of(given)


def test_a_product_overrides_one_line():
    """Vans that cost nothing are sent."""
    assert decide(PUMP, costs=costs_of({}), dead=0.7, clogged=0.3).chosen.kind == "self_help"
    free = costs_of({"truck": 0, "technician_minute": 0, "visit_days": 0, "wasted_visit": 0})
    dear = scaled(PRODUCT, 0)
    chosen = decide(PUMP, product=dear, costs=free, dead=0.7, clogged=0.3).chosen
    assert chosen.action_id == "swap_pump"


def of_kit(**probabilities):
    """What is decided about a fault that a pump or a pump and a board mend."""
    product = parse(KIT, "kit.toml")
    return decide("K1", product=product, costs=costs_of(), **probabilities)


def test_a_visit_costs_the_parts_that_it_fits():
    """A kit of two parts is priced by what each cause needs of it, and by what goes back."""
    options = of_kit(dead=0.75, burnt=0.25).options
    (kit,) = (option for option in options if option.action_id == "swap_both")
    assert kit.parts_of_cost["parts that are fitted"] == pytest.approx(0.75 * 50 + 0.25 * 200)
    assert kit.parts_of_cost["parts taken back"] == pytest.approx(0.75 * 2)
    (one,) = (option for option in options if option.action_id == "swap_pump")
    assert one.parts_of_cost["parts that are fitted"] == pytest.approx(0.75 * 50)
    assert one.parts_of_cost["parts taken back"] == pytest.approx(0.25 * 2)
    assert kit.expected_cost == pytest.approx(sum(kit.parts_of_cost.values()))


def test_a_visit_costs_what_is_done_there():
    """Work and parts are those of the cheapest repair that mends the cause, with what is there:
    a kit that takes an hour takes less where only the pump is changed, and no part where the file
    says that none is fitted.
    """
    slow = KIT.replace(
        "minutes = 40\nsuccess = { dead = 0.95, b", "minutes = 60\nsuccess = { dead = 0.95, b"
    )
    one = 'parts = ["K-PUMP"]\n'
    loose = slow.replace(one, one + "fits = { dead = [] }\n")
    product = parse(loose, "kit.toml")
    options = decide("K1", product=product, costs=costs_of(), dead=0.75, burnt=0.25).options
    (kit,) = (option for option in options if option.action_id == "swap_both")
    minutes = 0.75 * 40 + 0.25 * 60
    assert kit.parts_of_cost["the technician's time"] == pytest.approx(1.1 * minutes)
    assert kit.parts_of_cost["parts that are fitted"] == pytest.approx(0.25 * 200)
    assert kit.parts_of_cost["parts taken back"] == pytest.approx(0.75 * 4)


def test_a_whole_kit_comes_along_when_both_causes_are_likely():
    """Taking the dear part along for one case in four is cheaper than a second van, although the
    kit as a whole costs more than what one cause needs.
    """
    assert of_kit(dead=0.75, burnt=0.25).chosen.action_id == "swap_both"
    assert of_kit(dead=0.9999, burnt=0.0001).chosen.action_id == "swap_pump"


def test_steps_that_help_more_often_than_not_need_no_sure_cause():
    """What costs no van and no part may be tried at such odds; a parcel may not."""
    decision = decide(PUMP, why_unsure="odd", clogged=0.65, dead=0.2, torn=0.15)
    assert decision.chosen.action_id == "clean_filter"
    assert 0.5 < decision.chosen.p_success < 0.75
    parcel = decide(PUMP, why_unsure="odd", torn=0.7, clogged=0.2, dead=0.1)
    (sieve,) = (option for option in parcel.options if option.action_id == "send_sieve")
    assert 0.5 < sieve.p_success < 0.75
    assert sieve.ruled_out_by == "not_sure"
