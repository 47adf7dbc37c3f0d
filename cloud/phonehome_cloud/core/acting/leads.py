"""Leads: a new appliance makes more sense than a repair, and its owner wants to hear of one.

    told -> helped, failed, cancelled    the sales desk has it; then as the action ended
    opted_out                            its owner wants no offers any more

Whether the owner wants to hear of one is the consent to the action: nobody's name goes to the
sales desk without their yes. The reasons are the figures that decided, in words for a salesperson.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from phonehome_cloud.core.deciding.decision import Decision
from phonehome_cloud.core.deciding.playbook import FITTED, WORK
from phonehome_cloud.core.deciding.situation import LEAD, PART, VISIT

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


# What is spent on a repair, of the lines of an option's cost (deciding/playbook.py); the others
# weigh days without the appliance and what comes if it fails.
_SPENT: Final = ("van", WORK, FITTED, "parts", "shipping")
_VALUE_LEFT: Final = "value left in the appliance"
_DISCONTINUED: Final = "discontinued"
_WORDS: Final = MappingProxyType(
    {
        "en": {
            "cause": "Most likely ({p:.0%}): {cause}.",
            "repair": "The surest repair costs about {cost:.0f} {currency} and helps in"
            " {of_100:.0f} of 100 cases.",
            "value": "The appliance is worth about {value:.0f} {currency}.",
            "discontinued": "A part that it needs is no longer made.",
            "age": "It is {years:.0f} years old; it was made for {life_years}.",
        },
        "de": {
            "cause": "Am wahrscheinlichsten ({p:.0%}): {cause}.",
            "repair": "Die sicherste Reparatur kostet etwa {cost:.0f} {currency} und hilft in"
            " {of_100:.0f} von 100 Fällen.",
            "value": "Das Gerät ist noch etwa {value:.0f} {currency} wert.",
            "discontinued": "Ein Teil, das es braucht, wird nicht mehr hergestellt.",
            "age": "Es ist {years:.0f} Jahre alt; gebaut war es für {life_years}.",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Worth:
    """What speaks against a repair, by the names of the sentences that say it."""

    facts: Mapping[str, Mapping[str, Any]]

    def say(self, language: str, titles: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """The reasons in a language, or in English where there are no words in that; `titles` are
        those of causes in that language.
        """
        words = _WORDS.get(language, _WORDS["en"])
        return [
            words[name].format(**{k: titles.get(v, v) for k, v in facts.items()})
            for name, facts in self.facts.items()
        ]


def weigh(
    decision: Decision | None,
    cause: tuple[str, float] | None,
    currency: str,
    age_days: int | None,
    life_years: int | None,
) -> Worth:
    """Why no repair makes sense: the likeliest cause as (title, probability), what mending it
    would take, what the appliance is worth, its age.
    """
    found: dict[str, dict[str, Any]] = {}
    if cause is not None:
        found["cause"] = {"cause": cause[0], "p": cause[1]}
    options = decision.options if decision else ()
    repairs = [option for option in options if option.kind in (PART, VISIT)]
    if repairs:
        surest = max(repairs, key=lambda option: option.p_success)
        cost = sum(surest.parts_of_cost.get(line, 0.0) for line in _SPENT)
        share = {"of_100": 100 * surest.p_success}
        found["repair"] = {"cost": cost, "currency": currency, **share}
    for option in options:
        if option.kind == LEAD and _VALUE_LEFT in option.parts_of_cost:
            value = option.parts_of_cost[_VALUE_LEFT]
            found["value"] = {"value": value, "currency": currency}
    if any(option.ruled_out_by == _DISCONTINUED for option in options):
        found["discontinued"] = {}
    if age_days is not None and life_years and age_days > life_years * 365:
        found["age"] = {"years": age_days / 365, "life_years": life_years}
    return Worth(found)


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
