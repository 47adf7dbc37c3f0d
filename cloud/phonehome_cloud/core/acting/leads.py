"""Leads: a new appliance makes more sense than a repair, and its owner wants to hear of one.

    told -> helped, failed, cancelled    the sales desk has it; then as the action ended
    opted_out                            its owner wants no offers any more

Whether the owner wants to hear of one is the consent to the action: nobody's name goes to the
sales desk without their yes. The reasons are those of the decision.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

TOLD: Final = "told"
OPTED_OUT: Final = "opted_out"

COLUMNS: Final = (
    "ticket",
    "state",
    "offered_at",
    "product",
    "serial",
    "age_days",
    "reasons",
    "name",
    "mail",
    "phone",
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def reasons_of(why: Sequence[str], age_days: int | None, life_years: int | None) -> list[str]:
    """Why no repair makes sense, in sentences; the decision's own first."""
    found = list(why)
    if age_days is not None and life_years and age_days > life_years * 365:
        found.append(
            f"the appliance is {age_days / 365:.0f} years old; it was made for {life_years}"
        )
    return found


def write_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Leads as a table for a spreadsheet: no cell is a formula."""
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in COLUMNS])
    return page.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = "; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return "'" + text if text.startswith(_DANGEROUS) else text
