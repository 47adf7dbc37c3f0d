"""Decide: how fast tickets are diagnosed and decided on one core, and among how many."""

import statistics

from phonehome_tools.bench.cared import measure_store
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.options import Options
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import run_until_done
from phonehome_tools.service_world.pace import measure_pace

PRODUCT = "washer"
TICKETS = 400
TURNS = 12
PACE_BAR = 2000.0


def measure(options: Options) -> list[Figure]:
    """The pure pace beside its ceiling, and that of a receiver with its store."""
    return [*measure_pure(options), *run_until_done(measure_store(options))]


def measure_pure(options: Options) -> list[Figure]:
    """Facts to decision, per second of one core's time, and as a part of copying the facts."""
    product = find_product(PRODUCT).product
    tickets, turns = options.times(TICKETS, 20), options.times(TURNS, 1)
    pace = measure_pace(product, tickets, turns)
    pairs = zip(pace.decided, pace.ceiling, strict=True)
    return [
        Figure("tickets decided", statistics.median(pace.decided), "1/s", PACE_BAR, AT_LEAST),
        Figure("facts read and written", statistics.median(pace.ceiling), "1/s"),
        Figure("decided / read and written", statistics.median(a / b for a, b in pairs), "ratio"),
    ]
