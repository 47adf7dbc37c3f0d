"""The simulated year: worlds whose truth is known with a pencil, and books that add up."""

import math
from statistics import fmean

import pytest

from phonehome_cloud.core.deciding.costs import costs_of
from phonehome_product import load
from phonehome_tools.service_world.books import ENDS, Entry
from phonehome_tools.service_world.failures import failures
from phonehome_tools.service_world.measuring import measure
from phonehome_tools.service_world.pace import measure_pace
from phonehome_tools.service_world.year import POLICIES, run_year
from tests.tools.service.worlds import BULB, HOME, entries_of, read, write_world

COSTS = costs_of(None)
BULB_VISIT = COSTS.truck + 20 * COSTS.technician_minute + 3
CORD_VISIT = COSTS.truck + 30 * COSTS.technician_minute + 5
ONE_CAUSE = """
[[fault]]
code = "L1"
cause = { bulb_dead = 1 }
[[fault.evidence]]
id = "no_current"
given = { bulb_dead = 0 }
[[fault.evidence]]
id = "flickered"
given = { bulb_dead = 0 }
[[fault.action]]
id = "new_bulb"
success = { bulb_dead = SUCCESS }
"""
TWO_CAUSES = """
[[fault]]
code = "L1"
cause = { bulb_dead = 0.5, cord_broken = 0.5 }
[[fault.action]]
id = "new_bulb"
success = { bulb_dead = 1, bulb_loose = 0 }
[[fault.action]]
id = "new_cord"
success = { cord_broken = 1 }
"""


def letters_of(entry):
    """What a fault cost beside letters, which depend on how often somebody was asked."""
    return entry.money - entry.costs.get("letters", 0.0)


def within(count, chance, found):
    """Whether a share of so many is within four standard deviations of its chance."""
    return abs(found - chance) <= 4 * math.sqrt(chance * (1 - chance) / count) + 1e-9


@pytest.mark.parametrize("policy", ["phonehome", "not_learning", "always_visit"])
def test_one_cause_that_is_seen_costs_one_visit(tmp_path, policy):
    """One cause, certain evidence, a repair that always helps: one visit each, to the cent."""
    path = write_world(tmp_path, ONE_CAUSE.replace("SUCCESS", "1"))
    entries = entries_of(path, policy)
    assert len(entries) > 300
    assert {entry.visits for entry in entries} == {1}
    assert {entry.end for entry in entries} == {"visit"}
    assert all(letters_of(entry) == pytest.approx(BULB_VISIT) for entry in entries)
    assert measure(entries, 365).first_time_fix == 1.0


@pytest.mark.parametrize("policy", ["not_learning", "always_visit"])
def test_a_repair_that_helps_now_and_then(tmp_path, policy):
    """The first visit helps as often as the world says that the repair does."""
    path = write_world(tmp_path, ONE_CAUSE.replace("SUCCESS", "0.7"), appliances=1000)
    entries = entries_of(path, policy)
    found = measure(entries, 365)
    assert within(len(entries), 0.7, found.first_time_fix)
    if policy == "always_visit":  # 1 + 0.3 + ... + 0.3^4, then a new one
        assert found.visits == pytest.approx(sum(0.3**n for n in range(5)), abs=0.06)
        replaced = [entry for entry in entries if entry.end == "replaced"]
        assert all(entry.visits == 5 for entry in replaced)


def test_always_visit_takes_the_parts_of_the_likeliest_repair(tmp_path):
    """Half of the faults need the other part, which is in half of the vans: 0.75 at once."""
    path = write_world(tmp_path, TWO_CAUSES, finds=1, in_van=0.5, appliances=1000)
    entries = entries_of(path, "always_visit")
    found = measure(entries, 365)
    assert within(len(entries), 0.75, found.first_time_fix)
    assert {entry.visits for entry in entries} == {1, 2}
    assert all(entry.cause == "cord_broken" for entry in entries if entry.visits == 2)
    once = CORD_VISIT + COSTS.part_back  # the bulb that was brought goes back
    first = COSTS.truck + 30 * COSTS.technician_minute + COSTS.part_back + COSTS.wasted_visit
    assert {round(letters_of(e), 6) for e in entries} == {
        round(cost, 6) for cost in (BULB_VISIT, once, first + CORD_VISIT)
    }


def test_always_visit_comes_with_the_stock_of_the_van(tmp_path):
    """Who did not bring parts mends what the van has a part for, and comes again with the others;
    the owner's call to book it is paid, too.
    """
    text = ONE_CAUSE.replace("SUCCESS", "1")
    path = write_world(tmp_path, text, finds=1, in_van=0.6, appliances=1000, prepared=0)
    path.write_text(path.read_text().replace("booking_minutes = 0", "booking_minutes = 10"))
    entries = entries_of(path, "always_visit")
    assert within(len(entries), 0.6, measure(entries, 365).first_time_fix)
    call = 10 * COSTS.desk_minute
    first = BULB_VISIT - 3 + COSTS.wasted_visit  # without the bulb
    assert {(e.visits, round(letters_of(e), 6)) for e in entries} == {
        (1, round(call + BULB_VISIT, 6)),
        (2, round(call + first + BULB_VISIT, 6)),
    }


def test_a_technician_fits_what_the_cause_needs(tmp_path):
    """Who finds a loose bulb screws it in, though a new one came along; who finds nothing tries
    the causes of the order, the likeliest first, and the new bulb is in before that.
    """
    loose = TWO_CAUSES.replace("bulb_dead = 0.5, cord_broken = 0.5", "bulb_loose = 1")
    loose = loose.replace("bulb_loose = 0 }", "bulb_loose = 1 }")
    path = write_world(tmp_path, loose, finds=0.5, appliances=1000)
    bulb = path.with_name("bulb.toml")
    fits = 'parts = ["BULB"]\nfits = { bulb_loose = [] }'
    bulb.write_text(bulb.read_text().replace('parts = ["BULB"]', fits))
    entries = entries_of(path, "always_visit")
    screwed = [e for e in entries if not e.costs["parts"]]
    assert within(len(entries), 0.5, len(screwed) / len(entries))
    costs = {round(letters_of(e), 6) for e in entries}
    assert costs == {round(BULB_VISIT - 3 + COSTS.part_back, 6), BULB_VISIT}


def test_a_build_is_mended_for_all(tmp_path):
    """A technician who finds that it is the firmware mends nothing, and reports it: one visit in
    vain each, until it is mended for all.
    """
    batch = """
[[batch]]
code = "L1"
cause = "bulb_dead"
share = 1
build = "0203"
mended_days = 3
"""
    path = write_world(tmp_path, batch, finds=1, appliances=50)
    path.write_text(path.read_text().replace("faults_per_year = 1", "faults_per_year = 0.0001"))
    entries = entries_of(path, "always_visit")
    assert {(e.end, e.visits, e.is_fixed_first) for e in entries} == {("mended", 1, False)}
    assert all(e.end_h - e.at_h > 72 for e in entries)


def test_steps_that_nobody_did_are_done_by_phone(tmp_path):
    """An owner who does nothing by mail is called, and goes through the steps with the desk: no
    van for a screw, and what nobody did is not taken for what did not help.
    """
    loose = ONE_CAUSE.replace("bulb_dead", "bulb_loose").replace("SUCCESS", "1")
    loose = loose.replace("given = { bulb_loose = 0 }", "given = { bulb_loose = 1 }")
    steps = '[[fault.action]]\nid = "screw_in"\nsuccess = { bulb_loose = 1 }\n'
    path = write_world(tmp_path, loose + steps)
    asked = path.read_text().replace("does_steps = 1", "does_steps = 0.5\ndoes_reminded = 0")
    path.write_text(asked)
    entries = entries_of(path, "not_learning")
    assert {entry.first for entry in entries} == {"self_help"}
    late = [e for e in entries if e.end != "self_help"]
    assert {entry.end for entry in late} == {"by_phone", "visit"}  # some do not by phone either
    minutes = 20 * COSTS.desk_minute
    assert all(e.costs["desk"] == pytest.approx(minutes) for e in late)


def test_self_help_first_is_free_when_it_helps(tmp_path):
    """Steps that always help against the one cause cost a mail, and never a van."""
    loose = ONE_CAUSE.replace("bulb_dead", "bulb_loose").replace("SUCCESS", "1")
    steps = '[[fault.action]]\nid = "screw_in"\nsuccess = { bulb_loose = 1 }\n'
    entries = entries_of(write_world(tmp_path, loose + steps), "self_help_first")
    assert {entry.end for entry in entries} == {"self_help"}
    assert all(entry.money == pytest.approx(COSTS.mail) for entry in entries)
    owner = 4 * COSTS.owner_minute
    for entry in entries:
        day = entry.days_without * COSTS.day_without
        assert entry.costs["owner"] == pytest.approx(owner + day)


def test_a_person_who_knows_helps_by_phone(tmp_path):
    """A desk that finds every cause and steps that always help: minutes of the desk, no van."""
    loose = ONE_CAUSE.replace("bulb_dead", "bulb_loose").replace("SUCCESS", "1")
    steps = '[[fault.action]]\nid = "screw_in"\nsuccess = { bulb_loose = 1 }\n'
    entries = entries_of(write_world(tmp_path, loose + steps, desk=1), "always_person")
    assert {entry.end for entry in entries} == {"by_phone"}
    assert all(entry.money == pytest.approx(20 * COSTS.desk_minute) for entry in entries)


def test_what_no_repair_helps_against_is_replaced(tmp_path):
    """A technician who sees that nothing helps ends it: one visit, and the worth of the rest."""
    nothing = TWO_CAUSES.replace("bulb_dead = 1,", "bulb_dead = 0,").replace(
        "cause = { bulb_dead = 0.5, cord_broken = 0.5 }", "cause = { bulb_dead = 1 }"
    )
    entries = entries_of(write_world(tmp_path, nothing, finds=1), "always_visit")
    assert {(entry.end, entry.visits) for entry in entries} == {("replaced", 1)}
    assert {entry.costs["replacement"] for entry in entries} == {100.0}


def test_what_heals_by_itself_ends_so_and_calls_visits_off(tmp_path):
    """Faults that all heal within minutes: no visit, no cost but letters, under any policy."""
    heals = ONE_CAUSE.replace("SUCCESS", "1").replace(
        "cause = { bulb_dead = 1 }",
        "cause = { bulb_dead = 1 }\nheals = { bulb_dead = 1 }\nheals_days = 0.001",
    )
    path = write_world(tmp_path, heals)
    for policy in POLICIES:
        entries = entries_of(path, policy)
        assert {entry.end for entry in entries} == {"healed"}
        assert sum(entry.visits for entry in entries) == 0


def test_nobody_home_is_a_visit_in_vain(tmp_path):
    """Of appointments that are kept in 8 of 10 cases, 8 of 10 first visits end the fault."""
    path = write_world(tmp_path, ONE_CAUSE.replace("SUCCESS", "1"), appliances=1000)
    never = ", ".join(["0"] * 24)
    text = path.read_text().replace(HOME, never)
    path.write_text(text.replace("keeps_visit = 1", "keeps_visit = 0.8"))
    entries = entries_of(path, "always_visit")
    found = measure(entries, 365)
    assert within(len(entries), 0.8, found.first_time_fix)
    assert found.wasted_visits == pytest.approx(0.25, abs=0.08)  # 0.2 + 0.04 + ...
    waste = COSTS.truck + COSTS.wasted_visit
    assert all(
        letters_of(entry) == pytest.approx(BULB_VISIT + entry.wasted * waste) for entry in entries
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_every_fault_ends_exactly_once(tmp_path, policy):
    """Whatever is done, each fault of the year has one end that is known, behind its beginning."""
    text = TWO_CAUSES.replace("0.5, cord_broken = 0.5", "0.4, cord_broken = 0.4, bulb_loose = 0.2")
    world, product = read(write_world(tmp_path, text, finds=0.6, in_van=0.3, desk=0.5))
    found = failures(world, product, 3)
    entries = run_year(world, product, found, policy)
    assert [entry.number for entry in entries] == list(range(len(found)))
    assert all(entry.end in ENDS and entry.end_h >= entry.at_h for entry in entries)
    assert sum(measure(entries, 365).ends.values()) == len(found)


def test_the_pace_counts_whole_tickets():
    """Decisions and their ceiling, turn by turn, and copying facts is the faster of the two."""
    pace = measure_pace(load(BULB), tickets=20, turns=1)
    assert len(pace.decided) == len(pace.ceiling) == 1
    assert 0 < pace.decided[0] < pace.ceiling[0]


def test_an_entry_cannot_be_closed_twice():
    """The books refuse a second end."""
    entry = Entry(1, "L1", "bulb_dead", 0.0)
    entry.close("visit", 24.0, 1.0, 8.0)
    assert (entry.days_without, entry.costs["owner"]) == (1.0, 8.0)
    with pytest.raises(ValueError, match="ended as visit and again as healed"):
        entry.close("healed", 25.0, 1.0, 8.0)


def test_the_causes_are_as_frequent_as_the_world_says(tmp_path):
    """Of many faults, each cause has the share that stands in the file, and no other has any."""
    path = write_world(tmp_path, TWO_CAUSES, appliances=2000)
    world, product = read(path)
    found = failures(world, product, 1)
    share = fmean(failure.cause == "bulb_dead" for failure in found)
    assert {failure.cause for failure in found} == {"bulb_dead", "cord_broken"}
    assert within(len(found), 0.5, share)
    assert abs(len(found) - 2000) <= 4 * math.sqrt(2000)
