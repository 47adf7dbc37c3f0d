# cpython-only
"""kill -9 of everything behind a fleet: nothing acknowledged is lost, nothing counted twice."""

import pytest

from tests.survival.trial import Plan, run_trial

SMALL = {"reports": 1500, "devices": 60, "pace": 400}
PLANS = {
    "SQLite, one receiver": Plan(**SMALL, seed=1),
    "PostgreSQL, two receivers": Plan(**SMALL, seed=2, store="postgresql", receivers=2),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
async def test_the_books_balance(tmp_path, plan):
    """Receivers die at their steps, everybody at any moment; every record is there once."""
    trial = await run_trial(plan, tmp_path, note=lambda _: None)
    assert trial.books.is_balanced, trial
    assert trial.books.made > plan.reports
    assert sum(trial.deaths.values()) > 0


@pytest.mark.timeout(300)
async def test_a_receiver_that_answers_early_is_caught(tmp_path):
    """The control: an ack before the commit loses records, and the books show it."""
    plan = Plan(1500, devices=60, pace=150, seed=3, with_broker=False, early=True)
    trial = await run_trial(plan, tmp_path, note=lambda _: None)
    assert trial.books.lost > 0
