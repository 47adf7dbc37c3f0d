"""Outcomes are counted once, by whomever and however often they are told, and held ones twice."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Event

import pytest
from sqlalchemy import insert, select, update

from phonehome_cloud import migrations
from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.likelihoods import Taught
from phonehome_cloud.core.diagnosing.outcomes import (
    BY_DEVICE,
    BY_OWNER,
    HELD_MS,
    REFUTED,
    action_helped,
    technician_found,
)
from phonehome_cloud.store import listing, priors, tickets
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.prior_tables import outcome
from phonehome_cloud.store.schema import device, ticket
from phonehome_product import Action
from phonehome_product.fields import read_section
from tests.cloud.causes import make_fault, number
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")

DEV = "a4cf12fffe05d3b1"
NOW = 1_800_000_000_000
FAULT = make_fault([0.5, 0.5], [[0.9, 0.2]])
KEY = ("kettle", FAULT.id, FAULT.fmi)
STEPS = read_section(
    Action, {"id": "do", "kind": "self_help", "article": "a", "success": {"c1": number(0.8)}}
)


@pytest.fixture
def database(tmp_path, each_database):
    """A database with one device and a resolved ticket."""
    made = Database(base_url(tmp_path))
    made.open()
    migrations.prepare(made)
    made.write_now(_fill)
    yield made
    made.close()


def _fill(connection):
    connection.execute(insert(device), {"device": DEV, "product": "kettle", "created_at": 0})
    times = dict.fromkeys(("opened_at", "updated_at", "event_at", "last_event_at"), NOW - 1000)
    state = {"state": "resolved", "ended_at": NOW, "severity": 3, "occurrences": 1, "events": 0}
    row = {"device": DEV, "number": 1, "spn": FAULT.id, "fmi": FAULT.fmi, "title": "Fault"}
    connection.execute(insert(ticket), row | times | state | {"late": False, "reopened": 0})


def found(key="1/closed", cause="c1", **seen):
    """A technician's word, and what was seen of it."""
    return technician_found((DEV, 1, key), "kettle", FAULT, cause, "technician:T7", NOW, seen)


def helped(seen=()):
    """An action that the device proved."""
    place, told = (DEV, 1, "2/helped"), diagnose(FAULT, dict(seen))
    return action_helped(place, "kettle", FAULT, told, STEPS, "device", BY_DEVICE, NOW)


def taught(database):
    """What the database knows about the fault."""
    return database.read_now(priors.load_taught, [KEY]).get(KEY, Taught())


def find_fault(product, spn, fmi):
    """As a catalogue finds it."""
    return FAULT if (product, spn, fmi) == KEY else None


def test_an_outcome_counts_once(database):
    """A retry with the same key changes nothing and says so; another key counts."""
    change = database.write_now(priors.teach, found())
    assert change == {
        "c0": {"old": 0.5, "new": round(5 / 11, 4)},
        "c1": {"old": 0.5, "new": round(6 / 11, 4)},
    }
    assert database.write_now(priors.teach, found()) is None
    assert taught(database).causes == {"c1": 1.0}
    database.write_now(priors.teach, found("2/closed"))
    assert taught(database).causes == {"c1": 2.0}


def test_what_was_seen_counts_with_the_cause(database):
    """Evidence that was there and evidence that was not each move its likelihood, told as old and
    new; what held later counts for what was seen then.
    """
    change = database.write_now(priors.teach, found(e0=True, gone=True))
    assert change["c1/e0"]["old"] == 0.2 < change["c1/e0"]["new"]
    assert set(change) == {"c0", "c1", "c1/e0"}
    database.write_now(priors.teach, found("2/closed", e0=False))
    assert taught(database).evidence == {"c1": {"e0": (1.0, 1.0)}}
    database.write_now(priors.teach, helped({"e0": True}))
    assert taught(database).evidence == {"c1": {"e0": (1.5, 1.0)}}
    database.write_now(priors.settle, find_fault, NOW + HELD_MS)
    assert taught(database).evidence == {"c1": {"e0": (2.0, 1.0)}}


def test_a_transaction_that_fails_taught_nothing(database):
    """An outcome counts with what else its transaction wrote, or not at all."""

    def fail(connection):
        priors.teach(connection, found())
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        database.write_now(fail)
    assert taught(database).causes == {}
    assert database.write_now(priors.teach, found()) is not None


def test_outcomes_at_the_same_moment_all_count(database, tmp_path):
    """Three receivers teach the same fault at once, each outcome two times over: none is lost."""

    def work(first):
        own = Database(base_url(tmp_path))
        own.open()
        for n in range(first, first + 10):
            own.write_now(priors.teach, found(f"{n}/closed"))
        own.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, (0, 5, 10)))
    assert taught(database).causes == {"c1": 20.0}


def test_what_held_counts_again_after_90_days(database):
    """Half at once and half later, with old and new prior in the history; then no more."""
    database.write_now(priors.teach, helped())
    assert taught(database).causes == {"c1": 0.5}
    assert database.write_now(priors.settle, find_fault, NOW + HELD_MS - 1) == 0
    assert database.write_now(priors.settle, find_fault, NOW + HELD_MS) == 1
    assert taught(database).causes == {"c1": 1.0}
    assert database.write_now(priors.settle, find_fault, NOW + 2 * HELD_MS) == 0
    (entry,) = database.read_now(listing.list_history, DEV, 1)
    assert (entry["kind"], entry["rule"]) == ("learnt", "not back in 90 days")
    assert entry["evidence"]["c1"] == {"old": 0.5238, "new": 0.5455}
    assert "c1 0.524 to 0.545" in entry["text"]


def test_what_came_back_does_not(database):
    """A fault that was confirmed again within the 90 days was not mended: the half stays away, and
    the other one is taken back, in the history as well.
    """
    database.write_now(priors.teach, helped({"e0": True}))
    later = update(ticket).values(last_event_at=NOW + 1)
    database.write_now(lambda connection: connection.execute(later))
    assert database.write_now(priors.settle, find_fault, NOW + HELD_MS) == 1
    assert taught(database) == Taught({"c1": 0.0}, {"c1": {"e0": (0.0, 0.0)}})
    rows = database.read_now(priors.list_outcomes, KEY, None, 10)
    assert [row["how"] for row in rows] == ["came_back", "device"]
    (entry,) = database.read_now(listing.list_history, DEV, 1)
    assert (entry["kind"], entry["rule"]) == ("learnt", "back within 90 days")
    assert entry["evidence"]["c1"] == {"old": 0.5238, "new": 0.5}
    assert entry["evidence"]["c1/e0"]["new"] == 0.2


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_taken_back_leaves_nothing(database, lost):
    """Whatever the product file says by then: the counts are those of the other outcomes, to the
    last bit, and a second time nothing happens.
    """
    others = [found(f"{n}/closed", e0=bool(n % 2)) for n in range(3)]
    for one in others:
        database.write_now(priors.teach, one)
    before = taught(database)
    shared = read_section(
        Action,
        {
            "id": "do",
            "kind": "self_help",
            "article": "a",
            "success": {"c0": number(0.31), "c1": number(0.17)},
        },
    )
    for n, action in enumerate((STEPS, shared)):
        told = diagnose(FAULT, {"e0": True})
        place = DEV, 1, f"action/{n}"
        said = action_helped(place, "kettle", FAULT, told, action, "owner", BY_OWNER, NOW)
        database.write_now(priors.teach, said)
    assert taught(database) != before
    fault = None if lost else make_fault([0.5, 0.5], [])
    rows = database.read_now(lambda c: c.execute(select(outcome)).all())
    for row in rows:
        if row.how == BY_OWNER:
            change = database.write_now(priors.take_back, row, fault, REFUTED, NOW + 1)
            assert change == {} if lost else set(change) == {"c0", "c1"}
            assert database.write_now(priors.take_back, row, fault, REFUTED, NOW + 2) is None
    after = taught(database)
    assert {c: w for c, w in after.causes.items() if w} == before.causes
    assert after.evidence == before.evidence
    assert database.write_now(priors.settle, find_fault, NOW + HELD_MS) == 0


def test_outcomes_are_listed_newest_first_in_pages(database):
    """Every page begins where the one before ended."""
    for n in range(5):
        database.write_now(priors.teach, found(f"{n}/closed"))
    keys, after = [], None
    while page := database.read_now(priors.list_outcomes, KEY, after, 2):
        keys += [row["key"] for row in page]
        last = page[-1]
        after = last["at"], last["device"], last["ticket"], last["key"]
    assert keys == [f"{n}/closed" for n in (4, 3, 2, 1, 0)]


def test_two_who_teach_in_opposite_order_do_not_wait_for_each_other(database, tmp_path):
    """Each teaches about two faults in one transaction, in the other's order: both count at the
    first try, and nobody is turned away by a deadlock that the database has to find.
    """
    meeting, tries = Barrier(2), []

    def both(connection, names):
        tries.append(names)
        for n, name in enumerate(names):
            place = DEV, 1, f"{name}/{'-'.join(names)}"
            said = technician_found(place, name, FAULT, "c1", "technician:T7", NOW, {})
            assert priors.teach(connection, said) is not None
            if n == 0:
                # Whoever waits for the other one does not come: then nobody holds what both want.
                with suppress(BrokenBarrierError):
                    meeting.wait(1)

    bases = [Database(base_url(tmp_path)) for _ in range(2)]
    for base in bases:
        base.open()
    try:
        with ThreadPoolExecutor(2) as pool:
            orders = ("kettle", "pot"), ("pot", "kettle")
            list(
                pool.map(
                    lambda pair: pair[0].write_now(both, pair[1]), zip(bases, orders, strict=True)
                )
            )
    finally:
        for base in bases:
            base.close()
    assert sorted(tries) == [("kettle", "pot"), ("pot", "kettle")]
    keys = [(name, FAULT.id, FAULT.fmi) for name in ("kettle", "pot")]
    found = database.read_now(priors.load_taught, keys)
    assert [found[key].causes["c1"] for key in keys] == [2.0, 2.0]


def test_who_settles_locks_tickets_first(database, tmp_path):
    """A technician closes a ticket whose outcome is just being settled: one after the other, and
    neither has to begin again.
    """
    database.write_now(priors.teach, helped())
    held, tries = Event(), []

    def close(connection):
        tries.append("close")
        tickets.expect(connection, DEV, 1)
        held.set()
        time.sleep(0.3)  # so that the other one has come as far as it can
        assert priors.teach(connection, found("9/closed")) is not None

    def settle(connection):
        tries.append("settle")
        return priors.settle(connection, find_fault, NOW + HELD_MS)

    other = Database(base_url(tmp_path))
    other.open()
    try:
        with ThreadPoolExecutor(1) as pool:
            closing = pool.submit(other.write_now, close)
            assert held.wait(5)
            assert database.write_now(settle) == 1
            closing.result()
    finally:
        other.close()
    assert sorted(tries) == ["close", "settle"]
