"""One policy through one year of faults."""

from collections.abc import Sequence

# SimPy: the event queue that simulations of this kind use; processes are plain generators.
import simpy

from phonehome_product import Product

from .baselines import BASELINES
from .books import Entry
from .failures import Failure
from .life import Life, Steps, run_life
from .policy import knowing, phonehome
from .roster import Roster
from .shop import Shop, prices_of
from .signs import Signs
from .watch import Watch
from .world import World

LEARNING, WITHOUT_LEARNING, KNOWING = "phonehome", "not_learning", "knowing"
_RULES = {LEARNING: phonehome, WITHOUT_LEARNING: phonehome, KNOWING: knowing, **BASELINES}
POLICIES = tuple(_RULES)


def run_year(world: World, product: Product, found: Sequence[Failure], policy: str) -> list[Entry]:
    """Every fault from its beginning to its end, in the order of their beginnings.

    Those of the last days are followed beyond the year, until each has ended. `policy` is one of
    POLICIES.
    """
    env = simpy.Environment()
    shop = Shop(
        env=env,
        world=world,
        product=product,
        prices=prices_of(world, product),
        roster=Roster(world, product),
        signs=Signs(product, {}),
        watch=Watch(product.name),
        is_learning=policy == LEARNING,
    )
    rules = _RULES[policy]
    entries = [Entry(f.number, f.truth.fault.code, f.cause, f.at_h) for f in found]

    def begin() -> Steps:
        for failure, entry in zip(found, entries, strict=True):
            yield env.timeout(failure.at_h - env.now)
            life = Life(shop, failure, entry)
            env.process(run_life(life, rules(life)))

    env.process(begin())
    env.run()
    left = [entry.number for entry in entries if not entry.end]
    if left:
        raise RuntimeError(f"faults that never ended: {left[:5]}")
    return entries
