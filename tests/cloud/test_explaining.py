"""A diagnosis as bars: what is drawn is what was worked out."""

import pytest

from phonehome_cloud.web.diagnoses import MadeDiagnosis, Moved, RankedCause
from phonehome_cloud.web.explaining import WIDTH, explain, factor, percent


def made(*causes):
    """A diagnosis of these causes."""
    decided = ("self_healing", "self_help", "do", False, "owner", [], [])
    return MadeDiagnosis(0, 1, "washer", 2, True, "", list(causes), ["Age"], *decided)


def cause(probability, prior=0.5, *moved):
    """A cause with (title, is it there, log10) of what moved it."""
    pushes = [Moved(title, title, is_there, log10) for title, is_there, log10 in moved]
    return RankedCause("c", "Cause", prior, probability, pushes)


def test_bars_are_as_long_as_probabilities():
    """The full width is certainty; the mark is where the cause stood before."""
    first, second = explain(made(cause(0.8, 0.5), cause(0.2, 1.0))).bars
    assert (first.width, first.prior_at, first.is_first) == (0.8 * WIDTH, 0.5 * WIDTH, True)
    assert (second.width, second.is_first) == (0.2 * WIDTH, False)
    assert second.prior_at < WIDTH


def test_evidence_pushes_to_its_side_strongest_first():
    """For to the right, against to the left; what hardly moves is left out, no bar too long."""
    pushes = (
        explain(made(cause(0.8, 0.5, ("a", True, 0.5), ("b", False, -3.0), ("c", True, 0.001))))
        .bars[0]
        .pushes
    )
    assert [push.title for push in pushes] == ["Not so: b", "a"]
    against, speaks = pushes
    assert (against.is_for, against.x, against.width) == (False, 0, WIDTH / 2)
    assert (speaks.is_for, speaks.x, speaks.width) == (True, WIDTH / 2, WIDTH / 4)


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.834, "83 %"), (0.004, "< 1 %"), (0.9999, "> 99 %"), (1.0, "100 %"), (0.0, "< 1 %")],
)
def test_nothing_is_certain_by_rounding(probability, text):
    """Per cent for people."""
    assert percent(probability) == text


@pytest.mark.parametrize(
    ("log10", "text"),
    [(0.5, "odds \N{MULTIPLICATION SIGN} 3.2"), (-0.5, "odds \N{DIVISION SIGN} 3.2")],
)
def test_factors_multiply_or_divide(log10, text):
    """No minus signs and no logarithms on a page."""
    assert factor(log10) == text
