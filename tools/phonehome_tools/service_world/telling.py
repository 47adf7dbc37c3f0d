"""A report as tables."""

import math
from collections.abc import Iterator

# rich: the same tables as those of bench.
from rich.box import SIMPLE
from rich.table import Table

from .intervals import Estimate
from .simulation import BASELINE, Goal, Report
from .year import POLICIES

_ROWS = (
    ("first-time fix", "first_time_fix", ".3f"),
    ("cost of a fault", "money", ".2f"),
    ("with the owner's", "total", ".2f"),
    ("days without", "days_without", ".2f"),
    ("visits", "visits", ".3f"),
    ("in vain", "wasted_visits", ".3f"),
    ("ECE", "ece", ".3f"),
    ("ECE, 2nd half", "ece_second_half", ".3f"),
    ("of it by chance", "ece_by_chance", ".3f"),
)


def tables(report: Report) -> Iterator[Table]:
    """The figures of every policy, and the goals."""
    first = report.results[0][BASELINE].faults
    yield _figures(
        report,
        f"{report.title}: {report.appliances:,} appliances ({report.product}), {report.days} days,"
        f" {len(report.seeds)} seeds, about {first:,} faults each",
    )
    yield _goals(report)


def _figures(report: Report, title: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1))
    table.add_column("a fault", no_wrap=True)
    for policy in POLICIES:
        table.add_column(policy.replace("_", " "), justify="right", min_width=13)
    for heading, name, form in _ROWS:
        table.add_row(heading, *(show(report.figure(policy, name), form) for policy in POLICIES))
    for heading, name in (("cost ratio", "money"), ("with the owner's", "total")):
        cells = (show(report.ratio(policy, name), ".3f") for policy in POLICIES)
        table.add_row(f"{heading} *", *cells)
    table.caption = f"* as a part of {BASELINE.replace('_', ' ')}, seed by seed; ± is 95 %"
    return table


def _goals(report: Report) -> Table:
    table = Table("goal", title="Goals", title_justify="left", box=SIMPLE, padding=(0, 1))
    for heading in ("found, 95 %", "bar", ""):
        table.add_column(heading, justify="right")
    for goal in report.goals():
        sense = ">=" if goal.at_least else "<="
        bar = f"{sense} {goal.bar:g}"
        table.add_row(goal.name, show(goal.found, ".3f"), bar, verdict(goal))
    return table


def verdict(goal: Goal) -> str:
    """Met or missed, and whether the seeds leave a doubt."""
    doubt = "" if goal.is_certain else ", not certain"
    return ("met" if goal.is_met else "MISSED") + doubt


def show(found: Estimate, form: str) -> str:
    """A mean and half the width of its interval."""
    if math.isnan(found.mean):
        return "-"
    mean = format(found.mean, form)
    return mean if found.half is None else f"{mean} ± {format(found.half, form)}"
