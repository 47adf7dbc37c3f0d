"""Outcomes move the priors, each by as much as it saw."""

import pytest

from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.priors import (
    PRIOR_STRENGTH,
    counts_of,
    learn,
    share_of_help,
    tell_change,
)
from phonehome_product import Action
from phonehome_product.fields import read_section
from tests.cloud.causes import make_fault, number

FAULT = make_fault([0.75, 0.25], [[0.9, 0.2]])


def action(**success):
    """A self-help action that mends as the keywords say."""
    mends = {cause: number(p) for cause, p in success.items()}
    given = {"id": "do", "kind": "self_help", "article": "a", "success": mends}
    return read_section(Action, given)


def test_the_file_counts_as_ten_outcomes():
    """Without outcomes the counts are the file's priors, times the strength of its word."""
    assert counts_of(FAULT) == {"c0": 0.75 * PRIOR_STRENGTH, "c1": 0.25 * PRIOR_STRENGTH}
    assert counts_of(FAULT, {"c1": 2.5, "gone": 9.0})["c1"] == 0.25 * PRIOR_STRENGTH + 2.5


def test_many_outcomes_drown_the_file():
    """A thousand technicians who found the other cause are believed."""
    counts = counts_of(FAULT)
    for _ in range(1000):
        counts = learn(FAULT, counts, "c1")
    assert diagnose(FAULT, {}, counts).probabilities()["c1"] > 0.99


def test_an_unknown_cause_teaches_nothing():
    """A close code that is no cause of the fault is refused with those that are."""
    with pytest.raises(ValueError, match="no cause of K1; use one of c0, c1"):
        learn(FAULT, counts_of(FAULT), "c2")


def test_help_is_shared_by_those_that_it_can_help():
    """An action that works against one cause alone speaks for that one alone."""
    diagnosis = diagnose(FAULT, {})
    assert share_of_help(diagnosis, action(c1=0.8), 0.5) == {"c1": 0.5}
    shared = share_of_help(diagnosis, action(c0=0.4, c1=0.4), 1.0)
    assert shared == pytest.approx({"c0": 0.75, "c1": 0.25})
    assert share_of_help(diagnosis, action(), 1.0) == {}


def test_the_history_gets_old_and_new():
    """Old and new prior of every cause, for people to read."""
    before = counts_of(FAULT)
    after = learn(FAULT, before, "c1")
    assert tell_change(FAULT, before, after) == {
        "c0": {"old": 0.75, "new": 0.6818},
        "c1": {"old": 0.25, "new": 0.3182},
    }
