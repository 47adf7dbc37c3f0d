"""Hard rules, each by its name: what is never done, whatever it would save."""

from dataclasses import replace

import pytest

from phonehome_cloud.core.deciding.rules import HARMLESS, RULES
from phonehome_cloud.core.deciding.situation import UNANSWERED, Availability
from phonehome_wire.names import COMMAND_NAMES
from tests.cloud.remedies import (
    BUG,
    DRUM,
    GRID,
    LEAK,
    PRODUCT,
    PUMP,
    decide,
    load,
    ruled_out,
    situation,
    tried,
)


def test_rule_safety():
    """A safety fault goes to a person at once, however cheap and sure anything else is."""
    decision = decide(LEAK, hose=1)
    assert (decision.lane, decision.chosen.kind) == ("safety", "person")
    assert ruled_out(decision, "tighten") == "safety"
    assert ruled_out(decision, "wait") == "safety"


def test_rule_safety_before_incident():
    """A safety fault of an incident is still a person's."""
    decision = decide(LEAK, situation(incident="i1"), hose=1)
    assert (decision.lane, decision.chosen.kind) == ("safety", "person")


@pytest.mark.parametrize("payer", ["warranty", "contract", "owner"])
def test_rule_warranty_decides_who_pays(payer):
    """Who pays is carried along and said; what is done and that the owner is told stay."""
    decision = decide(PUMP, situation(payer=payer), torn=0.9, dead=0.1)
    assert decision.payer == payer
    assert decision.tells_owner
    assert decision.chosen == decide(PUMP, torn=0.9, dead=0.1).chosen
    assert any(f"{payer} pays" in line for line in decision.why)


@pytest.mark.parametrize("payer", ["warranty", "contract"])
def test_rule_covered(payer):
    """Nobody is sold a new one while somebody else pays for the repair."""
    old = situation(payer=payer, age_days=3600)
    assert decide(DRUM, situation(age_days=3600), cracked=1).chosen.kind == "lead"
    decision = decide(DRUM, old, cracked=1)
    assert decision.chosen.kind in ("visit", "person")
    assert ruled_out(decision, "replace") == "covered"


@pytest.mark.parametrize("kind", ["part", "visit"])
def test_rule_consent(kind):
    """A visit or a part waits for the owner's consent, unless it was given before."""
    causes = {"torn": 0.95, "dead": 0.05} if kind == "part" else {"dead": 0.99, "torn": 0.01}
    assert decide(PUMP, situation(consents=frozenset()), **causes).needs_consent
    other = situation(consents=frozenset({"lead", "remote_fix"}))
    assert decide(PUMP, other, **causes).needs_consent
    agreed = decide(PUMP, situation(consents=frozenset({kind})), **causes)
    assert (agreed.chosen.kind, agreed.needs_consent) == (kind, False)


def test_rule_running():
    """While an action is under way nothing else is begun."""
    decision = decide(PUMP, situation(running="clean_filter"), dead=1)
    assert decision.chosen.kind == "wait"
    assert ruled_out(decision, "swap_pump") == "running"


def test_rule_disables():
    """A command that takes away what was paid for is never sent, although it is cheapest."""
    decision = decide(GRID, hung=1)
    assert decision.chosen.action_id == "restart"
    assert ruled_out(decision, "no_heat") == "disables"
    assert min(decision.options, key=lambda o: o.expected_cost).action_id == "no_heat"


@pytest.mark.parametrize("code", ["set_config", "rotate_key", "set_log_level"])
def test_rule_disables_changes_of_the_agent(code):
    """No command of the agent that changes what a device does later is a fix."""
    commands = tuple(replace(c, code=code) if c.name == "restart" else c for c in PRODUCT.commands)
    decision = decide(GRID, product=replace(PRODUCT, commands=commands), hung=1)
    assert ruled_out(decision, "restart") == "disables"
    assert decision.chosen.kind == "person"


def test_rule_not_sure():
    """Without a sure cause only what helps whatever the cause is may be done."""
    given = {"clogged": 0.85, "dead": 0.1, "torn": 0.05}
    assert decide(PUMP, **given).chosen.kind == "self_help"
    assert decide(PUMP, why_unsure="odd", **given).chosen.kind == "self_help"
    decision = decide(PUMP, why_unsure="odd", clogged=0.5, dead=0.3, torn=0.2)
    assert ruled_out(decision, "clean_filter") == "not_sure"
    assert decision.chosen.kind == "person" or decision.chosen.p_success >= 0.75


def test_rule_not_sure_after_a_failure():
    """What failed takes weight from its cause; when no cause stands out then, a person decides."""
    given = {"clogged": 0.9, "dead": 0.05, "torn": 0.05}
    done = situation(tried=tried("clean_filter"))
    decision = decide(PUMP, done, **given)
    assert ruled_out(decision, "clean_filter") == "tried"
    assert ruled_out(decision, "send_sieve") == "not_sure"
    decision = decide(PUMP, done, clogged=0.5, dead=0.5)
    assert decision.chosen.action_id == "swap_pump"


@pytest.mark.parametrize("outcome", ["failed", "declined"])
def test_rule_tried(outcome):
    """What did not help, or was not wanted, is not proposed again."""
    done = situation(tried=tried("send_sieve", outcome=outcome, kind="part"))
    assert ruled_out(decide(PUMP, done, torn=0.9, dead=0.1), "send_sieve") == "tried"


def test_rule_tried_twice():
    """What helped twice and came back is another cause."""
    once = situation(tried=tried("clean_filter", outcome="helped"))
    twice = situation(tried=tried("clean_filter", "clean_filter", outcome="helped"))
    assert decide(PUMP, once, clogged=1).chosen.action_id == "clean_filter"
    assert ruled_out(decide(PUMP, twice, clogged=1), "clean_filter") == "tried"


def test_rule_unanswered():
    """Steps that nobody began are not sent again, and are a person's to ask about; they say
    nothing about the causes.
    """
    silent = situation(tried=tried("clean_filter", outcome=UNANSWERED))
    decision = decide(PUMP, silent, clogged=0.95, dead=0.05)
    assert ruled_out(decision, "clean_filter") == "unanswered"
    assert decision.chosen.kind == "person"
    done = situation(tried=tried("clean_filter"))
    assert decide(PUMP, done, clogged=0.95, dead=0.05).chosen.kind == "visit"


def test_rule_nothing_new():
    """A van does not come again with nothing but the parts that did not help, and nobody gets the
    same part by a second parcel; with another part, or to do other work, both may be.
    """
    kit = """
[[fault.action]]
id = "swap_sieve"
kind = "visit"
parts = ["SIEVE-1"]
skills = ["pump"]
minutes = 30
success = { torn = 0.9 }
[[fault.action]]
id = "swap_both"
kind = "visit"
parts = ["PUMP-1", "SIEVE-1"]
skills = ["pump"]
minutes = 50
success = { dead = 0.97, torn = 0.97 }
[[fault.action]]
id = "tighten_pump"
kind = "visit"
skills = ["pump"]
minutes = 20
success = { dead = 0.5 }
[[fault.action]]
id = "send_again"
kind = "part"
parts = ["SIEVE-1"]
success = { torn = 0.95 }
"""
    marker = '\n[[fault]]\ncode = "P2"'
    product = load(**{marker: kit + marker})
    vans = situation(tried=tried("swap_both", kind="visit"))
    decision = decide(PUMP, vans, product, torn=0.6, dead=0.4)
    assert {ruled_out(decision, name) for name in ("swap_pump", "swap_sieve")} == {"nothing_new"}
    assert ruled_out(decision, "tighten_pump") != "nothing_new"
    one = situation(tried=tried("swap_pump", kind="visit"))
    assert ruled_out(decide(PUMP, one, product, torn=0.9, dead=0.1), "swap_both") is None
    parcels = situation(tried=tried("send_sieve", kind="part"))
    decision = decide(PUMP, parcels, product, torn=0.9, dead=0.1)
    assert ruled_out(decision, "send_again") == "nothing_new"
    assert ruled_out(decision, "swap_sieve") is None


def test_rule_later():
    """An action comes after those that it names."""
    assert ruled_out(decide(BUG, board=1), "look_again") == "later"
    done = situation(tried=tried("swap_board", outcome="cancelled", kind="visit"))
    assert decide(BUG, done, board=1).chosen.action_id == "look_again"


def test_rule_nobody():
    """Without an owner nothing is sent to one; a person finds out whose it is."""
    decision = decide(PUMP, situation(owner_known=False), clogged=1)
    assert decision.chosen.kind == "person"
    assert not decision.tells_owner
    assert ruled_out(decision, "clean_filter") == "nobody"


def test_rule_offline():
    """A command goes to devices that can hear it."""
    assert ruled_out(decide(GRID, situation(is_online=False), hung=1), "restart") == "offline"
    assert decide(GRID, situation(is_online=None), hung=1).chosen.action_id == "restart"


def test_rule_discontinued():
    """What needs a part that is no longer made is no option, by the file or by the stock."""
    assert ruled_out(decide(BUG, board=1), "swap_board") == "discontinued"
    gone = situation(stock={"SIEVE-1": Availability(None, is_discontinued=True)})
    assert ruled_out(decide(PUMP, gone, torn=1), "send_sieve") == "discontinued"


def test_rule_unfit():
    """A part that owners cannot fit is never sent to one."""
    parts = tuple(replace(part, owner_can_fit=False) for part in PRODUCT.parts)
    product = replace(PRODUCT, parts=parts)
    assert ruled_out(decide(PUMP, product=product, torn=1), "send_sieve") == "unfit"


def test_rule_incident():
    """A ticket of an incident is held: no van, no part, no mail, and it says so."""
    decision = decide(PUMP, situation(incident="i1"), torn=1)
    assert (decision.lane, decision.chosen.kind) == ("incident", "wait")
    held = [o.ruled_out_by for o in decision.options if o.kind != "wait"]
    assert set(held) == {"incident"}


def test_rule_no_reason():
    """Nothing is waited for when nothing says that it goes away."""
    assert ruled_out(decide(DRUM, cracked=1), "wait") == "no_reason"


def test_what_is_harmless_is_a_command():
    """No name of the list of harmless commands is a typing error."""
    assert set(COMMAND_NAMES.values()) > HARMLESS


def test_every_rule_has_its_test():
    """A rule is named by a test of its own."""
    names = {name.removeprefix("test_rule_") for name in globals() if name.startswith("test_rule")}
    assert RULES.keys() <= names
