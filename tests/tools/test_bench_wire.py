"""`bench wire` measures what it promises, and the promises hold."""

from phonehome_tools.bench.wire import BUDGETS, COMPARED, measure


def test_every_budget_holds():
    """Each kind of message is under its size, the lean ones under their heap on MicroPython."""
    figures = {figure.figure: figure for figure in measure()}
    assert [name for name, figure in figures.items() if not figure.holds] == []
    for name, budget in BUDGETS.items():
        assert figures[f"{name}, signed"].bar == budget
    for name in COMPARED:
        assert figures[f"{name}, payload"].value < figures[f"{name}, payload as JSON"].value / 1.5
