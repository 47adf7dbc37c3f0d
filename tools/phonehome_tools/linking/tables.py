"""Tables that name members by their text: `{"Class": ("member", ...)}`, for getattr and setattr.

What is written so follows the renaming; without, an object would be asked for names that it lost.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phonehome_tools.linking.families import Family
from phonehome_tools.linking.program import Program, Symbol


@dataclass
class Row:
    """One class of a table: the nodes of its name and of its members' names."""

    symbol: Symbol
    key: ast.Constant
    members: list[ast.Constant]


def rows_of(program: Program, families: Sequence[Family]) -> list[Row]:
    """The rows of all tables: dicts at the top of a module whose keys are classes of ours."""
    classes = {symbol.name: symbol for family in families for symbol, _ in family.classes}
    return [
        row
        for source in program.sources.values()
        for statement in source.module.tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict)
        for row in _rows(statement.value, classes)
    ]


def texts_in(rows: Sequence[Row]) -> set[int]:
    """The texts of tables, as ids of their nodes."""
    return {id(node) for row in rows for node in (row.key, *row.members)}


def follow(rows: Sequence[Row], families: Sequence[Family], names: Mapping[Symbol, str]) -> None:
    """Write the names that classes and members have now."""
    family_of = {symbol: family for family in families for symbol, _ in family.classes}
    for row in rows:
        row.key.value = names.get(row.symbol, row.symbol.name)
        for node in row.members:
            node.value = family_of[row.symbol].name_now(str(node.value))


def _rows(table: ast.Dict, classes: Mapping[str, Symbol]) -> Iterator[Row]:
    rows = []
    for key, value in zip(table.keys, table.values, strict=True):
        match key, value:
            case (
                ast.Constant(value=str(name)),
                ast.Tuple(elts=[ast.Constant(), *_] as members),
            ) if name in classes:
                texts = [node for node in members if isinstance(node, ast.Constant)]
                rows.append(Row(classes[name], key, texts))
            case _:
                return
    yield from rows
