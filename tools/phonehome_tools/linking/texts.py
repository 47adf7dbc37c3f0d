"""Texts that nobody reads on a board.

What is wrong with bytes is told by its reason; the detail behind it is for people at a host. On a
board it would be kept for an error that travels as a crash, with the line it was raised at.
"""

import ast
from collections.abc import Collection

from phonehome_tools.linking.families import families_of
from phonehome_tools.linking.program import Program


def drop_details(program: Program, terse: Collection[str]) -> int:
    """Leave the first argument of the errors of `terse` modules; returns how many were cut."""
    errors = {
        symbol
        for family in families_of(program)
        if family.is_foreign
        for symbol, _ in family.classes
        if symbol.module in terse
    }
    count = 0
    named = {id(node) for symbol in errors for _, node in program.places(symbol)}
    for source in program.sources.values():
        for node in ast.walk(source.module.tree):
            if isinstance(node, ast.Call) and id(node.func) in named and len(node.args) > 1:
                del node.args[1:]
                count += 1
    if count:
        program.refresh()
    return count
