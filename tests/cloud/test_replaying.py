"""A stored record considered again is the same diagnosis and the same decision."""

import json

import pytest

from phonehome_cloud.core.deciding.costs import costs_of
from phonehome_cloud.core.deciding.situation import Availability, Situation, Tried
from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_cloud.core.diagnosing.likelihoods import Taught
from phonehome_cloud.core.replaying import Record, consider, read_record, write_record
from tests.cloud.test_knowledge import LOADED

WASHER = LOADED["washer"]
NOW = 1_800_000_000_000
COSTS = costs_of()


def make_record(code="E21", **situation):
    """A ticket of a washer whose owner is known, with everything in stock."""
    fault = next(fault for fault in WASHER.faults if fault.code == code)
    facts = Facts("a4cf12fffe05d3b1", 1, "washer", fault.id, fault.fmi, NOW, age_days=900)
    stock = {part.number: Availability(0.0) for part in WASHER.parts}
    known = {"stock": stock, "owner_known": True, "consents": frozenset({"visit", "part"})}
    taught = Taught({"filter_clogged": 1.5}, {"filter_clogged": {"pump_idles": [0.5, 1.0]}})
    return Record(facts, Situation(NOW, **{**known, **situation}), taught)


@pytest.mark.parametrize("fault", WASHER.faults, ids=lambda fault: fault.code)
def test_a_record_survives_json(fault):
    """Nothing that was looked at is lost, for any fault: what follows is equal, bit for bit."""
    tried = (Tried("clean_filter", "self_help", "failed"),)
    record = make_record(fault.code, tried=tried, payer="warranty", language="de")
    again = read_record(json.loads(json.dumps(write_record(record))))
    assert again == record
    assert consider(WASHER, again, COSTS) == consider(WASHER, record, COSTS)


def test_a_fault_of_no_file_goes_to_a_person():
    """Without causes there is no diagnosis, and a person decides."""
    record = make_record()
    diagnosis, decision = consider(None, record, COSTS)
    assert diagnosis is None
    assert decision.chosen.kind == "person"


def test_what_was_taught_counts():
    """The record carries what outcomes had taught by then."""
    taught = consider(WASHER, make_record(), COSTS)[0].causes
    file_only = consider(WASHER, Record(make_record().facts, make_record().situation), COSTS)
    assert taught[0].prior > file_only[0].causes[0].prior
