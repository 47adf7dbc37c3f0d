"""cloud/CARE.md says what the code does: its tables are those of the code."""

from pathlib import Path

import pytest

from phonehome_cloud.core.caring import STATES
from phonehome_cloud.core.deciding.costs import REASONS, Costs
from phonehome_cloud.core.deciding.incidents import MIN_DEVICES, WINDOWS_H
from phonehome_cloud.core.deciding.rules import RULES, SURE_OF_ACTION

PAGE = Path(__file__).parents[2] / "cloud" / "CARE.md"


def costs():
    """The table of costs as the page has it."""
    rows = [f"| {name} | {getattr(Costs(), name):g} | {why} |" for name, why in REASONS.items()]
    return "\n".join(["| key | default | because |", "|---|---|---|", *rows])


def rules():
    """The table of rules as the page has it."""
    rows = [f"| {name} | {rule.sentence} |" for name, rule in RULES.items()]
    return "\n".join(["| rule | why not |", "|---|---|", *rows])


@pytest.mark.parametrize("table", [costs, rules], ids=["costs", "rules"])
def test_the_tables_are_those_of_the_code(table):
    """Every cost with its default and reason, every rule with its sentence, and no other."""
    assert table() in PAGE.read_text()


def test_states_and_numbers_are_those_of_the_code():
    """Every state of an action is explained; what the text says in words is what is compared."""
    text = PAGE.read_text()
    assert all(f"| {state} |" in text for state in STATES)
    assert (MIN_DEVICES, WINDOWS_H, SURE_OF_ACTION) == (5, (2, 25), 0.75)
