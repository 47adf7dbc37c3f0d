"""What is done about a ticket, decided without any I/O: steps, orders, leads, people, fixes."""

import csv
import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.acting import assigning, leads, part_orders, remote, steps
from phonehome_cloud.core.acting.assigning import Operator
from phonehome_cloud.core.acting.clocks import Opening
from phonehome_cloud.core.acting.part_orders import Line
from phonehome_cloud.core.acting.steps import Proof, Reading
from phonehome_cloud.core.deciding.decision import Decision, Option
from phonehome_cloud.errors import ConflictError, NotFoundError

DEVICE = "a4cf12fffe05d3b1"
PROOF = Proof("pump_current", 0.08, 0.3, 600)


def reading(value, at, sensor="pump_current"):
    """One value that the device reported."""
    return Reading(sensor, (value,), at, "reread", "abc/1/7")


@pytest.mark.parametrize(
    ("readings", "is_proven"),
    [
        ([reading(0.24, 5000)], True),
        ([reading(0.34, 5000)], False),  # still blocked
        ([reading(0.24, 999)], False),  # from before anything was done
        ([reading(0.24, 601_001)], False),  # too late to be its doing
        ([reading(0.24, 5000, "heater_current")], False),
        ([reading(0.34, 2000), reading(0.24, 5000)], True),
        ([], False),
    ],
)
def test_a_step_is_proven_by_what_was_measured_while_it_was_open(readings, is_proven):
    """Only the right sensor, between its limits, between the opening of the step and its end."""
    evidence = steps.judge(PROOF, 1000, 601_000, readings)
    assert (evidence is not None) == is_proven
    if evidence is not None:
        assert evidence["value"] == 0.24
        assert (evidence["source"], evidence["record"]) == ("reread", "abc/1/7")


def test_a_proof_survives_the_database():
    """What is stored of a proof is the proof."""
    for proof in (PROOF, Proof("level", None, 3.0, 60), Proof("level", 1.0, None, 60)):
        stored = {"sensor": proof.sensor, "within_s": proof.within_s}
        stored |= {} if proof.low is None else {"min": proof.low}
        stored |= {} if proof.high is None else {"max": proof.high}
        assert steps.read_proof(stored) == proof
    assert steps.read_proof(None) is None


def test_steps_come_one_after_the_other():
    """The open step is the first that has not ended; one that was not proven is no dead end."""
    assert steps.find_open([steps.DONE, steps.UNPROVEN, steps.WAITING, steps.WAITING]) == 2
    assert steps.find_open([steps.DONE, steps.DONE]) is None


def test_an_order_number_names_its_action():
    """What a supplier sends back finds the order, and nothing else is one."""
    for key, number in (((DEVICE, 3, 2), "3-2"), ((DEVICE, 3, 2, 4), "3-2-4")):
        named = part_orders.OrderKey(*key)
        assert part_orders.order_id(named) == f"{DEVICE}-{number}"
        assert part_orders.parse_order_id(f"{DEVICE}-{number}") == named
    ends = ("3", "3-x", "3--1", "3-2-1", "3-2-", "3-2-3-4")
    for wrong in ("", "3-2", "../../etc", *(f"{DEVICE}-{end}" for end in ends)):
        with pytest.raises(NotFoundError):
            part_orders.parse_order_id(wrong)


SAID = st.sampled_from(part_orders.SAID_BY_SUPPLIER)


@given(st.lists(SAID, max_size=12))
def test_an_order_never_goes_back(said):
    """However callbacks are repeated and reordered, an order moves on or stays, and ends once."""
    state, ended = part_orders.SENT, 0
    for word in said:
        before = state
        try:
            state = part_orders.follow(state, word) or state
        except ConflictError:
            assert before in part_orders.ENDED
            assert word != before
            continue
        ended += state in part_orders.ENDED and before not in part_orders.ENDED
        assert part_orders._RANK[state] >= part_orders._RANK[before]
    assert ended <= 1


def test_an_order_that_was_not_sent_is_nobodys_business():
    """A supplier cannot accept what it was never told of."""
    with pytest.raises(ConflictError, match="not sent"):
        part_orders.follow(part_orders.HELD, part_orders.ACCEPTED)


def test_an_order_can_be_taken_back_in_its_window():
    """Until the window closes, and not after it was sent."""
    part_orders.check_cancel(part_orders.HELD, 1000, 1000)
    for state, now_at in ((part_orders.HELD, 1001), (part_orders.SENT, 500)):
        with pytest.raises(ConflictError, match="ask the supplier"):
            part_orders.check_cancel(state, 1000, now_at)


def test_the_document_says_what_to_whom_and_who_pays():
    """An order on paper has its number, every line, the sum, the address and the payer."""
    lines = [Line("WM-FILTER-01", "Lint filter", 2, 1250), Line("WM-SEAL-2", "Seal", 1, 99)]
    where = {"name": "Ada Lovelace", "street": "Kirchweg 5", "city": "10115 Berlin"}
    text = part_orders.write_document(
        f"{DEVICE}-3-1", 1_795_824_000_000, lines, "EUR", "warranty", where
    )
    for piece in (f"ORDER {DEVICE}-3-1", "2026-11-28", "WM-FILTER-01", "2 x 12.50 EUR"):
        assert piece in text
    for piece in ("Total: 25.99 EUR", "Kirchweg 5", "manufacturer (warranty)"):
        assert piece in text
    assert "answer to the mail" in text
    assert "/supplier/" not in text  # without a webhook there is no secret to answer there with


TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"))


@given(st.lists(TEXT, max_size=3), TEXT)
def test_no_cell_of_a_csv_is_a_formula(reasons, name):
    """Whatever an owner is called: a spreadsheet shows it, and does not work it out."""
    row = {"ticket": f"{DEVICE}-3", "reasons": reasons, "name": name}
    parsed = list(csv.reader(io.StringIO(leads.write_csv([row]), newline="")))
    assert parsed[0] == list(leads.COLUMNS)
    assert len(parsed) == 2
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in parsed[1])


def test_a_lead_has_reasons():
    """The figures that decided, in words of the sales desk's language; what is not known is not
    said.
    """
    spent = {"van": 85.0, "the technician's time": 198.0, "parts that are fitted": 420.0}
    spent["if it fails"] = 99.0
    repairs = [
        Option("visit", "dampers", 0.04, 458.0, {"van": 85.0, "parts that are fitted": 34.0}),
        Option("visit", "drum", 0.94, 802.0, spent, "discontinued"),
        Option("person", None, 1.0, 248.0, {"the desk's time": 16.0}),
    ]
    lead = Option("lead", "new", 1.0, 72.8, {"value left in the appliance": 60.0})
    decision = Decision(lead, (lead, *repairs), True, "lead", (), "owner", True)
    worth = leads.weigh(decision, ("The drum is cracked", 0.71), "EUR", 13 * 365, 12)
    assert worth.say("en") == [
        "Most likely (71%): The drum is cracked.",
        "The surest repair costs about 703 EUR and helps in 94 of 100 cases.",
        "The appliance is worth about 60 EUR.",
        "A part that it needs is no longer made.",
        "It is 13 years old; it was made for 12.",
    ]
    assert len(worth.say("de")) == 5
    assert "13 Jahre alt" in worth.say("de")[-1]
    assert "Trommel" in worth.say("de", {"The drum is cracked": "Die Trommel ist gerissen"})[0]
    assert worth.say("fr") == worth.say("en")
    assert leads.weigh(None, None, "", None, 12).say("en") == []


def people(*rows):
    """Operators as (name, skills, level, capacity, load, away)."""
    return [Operator(n, frozenset(s.split()), lv, c, ld, a) for n, s, lv, c, ld, a in rows]


@pytest.mark.parametrize(
    ("skills", "level", "is_urgent", "who"),
    [
        ("", 1, False, "ben"),  # less of his capacity is taken
        ("water", 1, False, "ada"),
        ("gas", 1, False, "eve"),  # nobody of the first level can
        ("", 2, False, "eve"),
        ("solar", 1, False, None),
        ("fire", 1, False, None),  # she has no room
        ("fire", 1, True, "cleo"),  # but danger fits in
        ("sleep", 1, False, None),  # he is away
        ("sleep", 1, True, "ben"),  # and danger goes to anybody who is there
    ],
)
def test_a_ticket_goes_to_who_can_and_has_room(skills, level, is_urgent, who):
    """Skill first, then the lowest level that can, then the smallest share of capacity."""
    desk = people(
        ("ada", "water", 1, 10, 6, None),
        ("ben", "door", 1, 4, 2, None),
        ("cleo", "fire", 1, 2, 2, None),
        ("dan", "sleep", 1, 5, 0, 2000),
        ("eve", "gas water", 2, 5, 0, None),
    )
    found = assigning.choose(desk, skills.split(), level, 1000, is_urgent=is_urgent)
    assert (found.name if found else None) == who


def test_danger_does_not_wait_for_monday():
    """Urgent promises run round the clock, all others in hours of the desk."""
    friday = 1_795_802_400_000  # 2026-11-27 18:00 UTC, when the desk has closed
    opening = Opening("UTC", dict.fromkeys(range(5), ((480, 1020),)))
    respond, resolve = assigning.deadlines(assigning.URGENT, friday, opening)
    assert (respond - friday, resolve - friday) == (1_800_000, 14_400_000)
    respond, _ = assigning.deadlines(assigning.NORMAL, friday, opening)
    assert respond - friday == (2 * 24 + 14 + 4) * 3_600_000  # Monday, 12:00


@pytest.mark.parametrize(
    ("value", "key", "is_idle"),
    [
        (1, None, True),
        (0, None, False),
        (True, None, True),
        (None, None, False),
        ("idle", None, False),
        ({"0": 1}, 0, True),
        ({"0": 0}, 0, False),
        ({"1": 1}, 0, False),
        ([1], 0, False),
    ],
)
def test_idle_is_only_what_says_so(value, key, is_idle):
    """An answer that cannot be read is no permission."""
    question = remote.Question(129, key, 1, None)
    assert remote.says_idle(question, value) == is_idle
    assert remote.says_idle(remote.Question(129, None, None, 0), 0)
    assert not remote.says_idle(remote.Question(129, None, None, 0), 1)


def test_a_busy_appliance_is_asked_a_dozen_times_an_hour():
    """Soon at first, then ever later, and never later than every five minutes."""
    asked, now_at = [0], 0
    while now_at < 2 * 3_600_000:
        now_at = remote.ask_again_at(0, now_at)
        asked.append(now_at)
    pauses = [after - before for before, after in pairwise(asked)]
    assert (pauses[0], pauses[-1]) == (5_000, 300_000)
    assert pauses == sorted(pauses)
    assert sum(at <= 3_600_000 for at in asked) <= 24


def test_before_and_after_stand_side_by_side():
    """Each name once, in the order it came, with both values."""
    rows = remote.compare({"faults": 1, "level": 40}, {"level": 3, "boot": 2})
    assert rows == [
        {"name": "faults", "before": 1, "after": None},
        {"name": "level", "before": 40, "after": 3},
        {"name": "boot", "before": None, "after": 2},
    ]
