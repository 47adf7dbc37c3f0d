# cpython-only
"""kill -9 of everything behind a fleet: nothing acknowledged is lost, nothing counted twice."""

import pytest

from tests.survival.trial import Plan, run_trial

SMALL = {"reports": 1000, "devices": 60, "pace": 300}
PLANS = {
    "SQLite, one receiver": Plan(**SMALL, seed=1),
    "PostgreSQL, two receivers": Plan(**SMALL, seed=2, store="postgresql", receivers=2),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
async def test_the_books_balance(tmp_path, plan):
    """Receivers die at their steps, everybody at any moment, and connections are cut: every record
    is there once, and no message was acknowledged to the broker before it was in the database.
    """
    trial = await run_trial(plan, tmp_path, note=lambda _: None)
    assert trial.is_kept, trial
    assert trial.pubacks["told"] > 0
    assert trial.pubacks["repeated"] > 0
    assert trial.books.made > plan.reports
    assert sum(trial.deaths.values()) > 0


@pytest.mark.timeout(300)
async def test_a_receiver_that_answers_early_is_caught(tmp_path):
    """The control: an ack before the commit loses records, the books show it, and so do the spies
    on the wires to the broker.
    """
    plan = Plan(1500, devices=60, pace=150, seed=3, early=True)
    trial = await run_trial(plan, tmp_path, note=lambda _: None)
    assert trial.books.lost > 0, trial
    assert trial.pubacks["lies"] > 0
