"""An action that helped teaches the causes that it helps against, once, and again when it held."""

import pytest

from phonehome_cloud.core.diagnosing.likelihoods import Taught
from phonehome_cloud.core.diagnosing.outcomes import HELD_MS
from phonehome_cloud.store import care, looking, priors
from phonehome_cloud.store.facts import _load_repairs
from phonehome_cloud.store.prior_tables import outcome
from phonehome_wire.registry import KIND_HEALED
from tests.cloud.household import CLOGGED, Household
from tests.cloud.remedies import PRODUCT

pytestmark = pytest.mark.usefixtures("each_database")
FAULT = PRODUCT.faults[0]
KEY = (PRODUCT.name, FAULT.id, FAULT.fmi)


@pytest.fixture
def home(tmp_path):
    """A receiver with an empty database that looks after pumps."""
    made = Household(tmp_path)
    yield made
    made.close()


async def taught(home):
    """What was learnt about the fault, all causes together."""
    found = await home.database.read(priors.load_taught, [KEY])
    return round(sum(found.get(KEY, Taught()).causes.values()), 6)


async def mended_by_steps(home):
    """A clogged pump whose owner did the steps, and whose device proved it."""
    pump = await home.pump()
    await home.says(pump, turns=CLOGGED)
    await home.care()
    home.clock.advance(600_000)
    await home.says(pump, kind=KIND_HEALED)
    home.clock.advance(120_000)
    await home.digest.resolve()
    await home.care()


async def test_help_is_learnt_once_with_old_and_new_in_the_history(home):
    """The proof counts half, among the causes that the steps can mend; told again, nothing."""
    await mended_by_steps(home)
    assert await taught(home) == 0.5
    (entry,) = await home.history("learnt")
    assert entry.rule == "action helped"
    mends = FAULT.find_action("clean_filter").success
    moved = {name for name, p in entry.evidence.items() if p["new"] > p["old"]}
    assert {name.partition("/")[0] for name in moved} <= set(mends)
    assert moved
    ticket = await home.ticket()
    for _ in range(3):
        await home.do(looking.look, ticket.device, ticket.number, home.clock())
        await home.care()
    assert await taught(home) == 0.5
    assert len(await home.rows(outcome)) == 1


async def test_what_held_is_learnt_again_by_the_loop(home):
    """After 90 days without the fault the other half counts."""
    await mended_by_steps(home)
    home.clock.advance(HELD_MS)
    home.caring._settled_s = float("-inf")
    await home.care()
    assert await taught(home) == 1.0
    assert [entry.rule for entry in await home.history("learnt")] == [
        "action helped",
        "not back in 90 days",
    ]


async def test_what_failed_teaches_nothing(home):
    """Steps that did not help leave the priors alone: they say what it is not, not what it is."""
    await home.says(await home.pump(), turns=CLOGGED)
    await home.care()
    (row,) = await home.actions()
    await home.do(care.conclude, (row.device, row.ticket, row.n), "failed", "owner", home.clock())
    await home.care()
    assert await taught(home) == 0


async def test_what_steps_mended_is_a_repair(home):
    """The next ticket of the device knows which cause was probably mended, and when."""
    await mended_by_steps(home)
    ticket = await home.ticket()
    found = await home.database.read(_load_repairs, {ticket.device})
    (repair,) = found[ticket.device]
    assert repair.cause == "clogged"
