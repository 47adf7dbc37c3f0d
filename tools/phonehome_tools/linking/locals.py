"""Variables and parameters of functions.

A variable is a number in bytecode: its name costs nothing, and a new one keeps it apart from every
name of a module. A parameter's name is kept in the function, for calls with keywords.
"""

import ast
from collections.abc import Collection

from phonehome_tools.linking import rom
from phonehome_tools.linking.naming import cheapest
from phonehome_tools.linking.outside import keywords_of, promised_parameters
from phonehome_tools.linking.plan import Plan
from phonehome_tools.linking.program import Program
from phonehome_tools.linking.scopes import Scope, rename

_VARIABLE = "_v{}"


def shorten_locals(program: Program, plan: Plan, kept: Collection[str]) -> None:
    """Variables get numbers, parameters names in ROM unless a call may use theirs."""
    keywords = {*keywords_of(program), *kept}
    promised = promised_parameters(program, plan)
    for source in program.sources.values():
        for scope in source.scope.walk():
            if scope.kind == "function":
                _shorten(scope, keywords, promised)


def _shorten(scope: Scope, keywords: Collection[str], promised: Collection[int]) -> None:
    taken = _seen_from(scope)
    parameters = [name for name, nodes in scope.uses.items() if _is_parameter(nodes)]
    kept = {
        name
        for name in parameters
        if name == "self"
        or name in keywords
        or any(id(node) in promised for node in scope.uses[name])
    }
    words = cheapest(taken | kept, rom.PARAMETERS)
    named = {}
    for number, (name, nodes) in enumerate(sorted(scope.uses.items(), key=_first_place)):
        new = name
        if name not in kept:
            new = next(words) if name in parameters else _VARIABLE.format(_depth(scope, number))
            rename(nodes, new)
        named[new] = nodes
    scope.uses, scope.bound = named, set(named)


def _depth(scope: Scope, number: int) -> str:
    """A number that no function around or within has."""
    depth = 0
    while scope.parent is not None:
        scope, depth = scope.parent, depth + 1
    return f"{depth}_{number}"


def _first_place(item: tuple[str, list[ast.AST]]) -> tuple[int, int, str]:
    name, nodes = item
    places = [(getattr(n, "lineno", 0), getattr(n, "col_offset", 0)) for n in nodes]
    return (*min(places), name)


def _is_parameter(nodes: list[ast.AST]) -> bool:
    return any(isinstance(node, ast.arg) for node in nodes)


def _seen_from(scope: Scope) -> set[str]:
    """Names that mean something outside of the function and are used within."""
    inner = list(scope.walk())
    outer = []
    up = scope.parent
    while up is not None:
        outer.append(up)
        up = up.parent
    inside = {id(node) for node in ast.walk(scope.node)}
    seen = {
        name
        for around in outer
        for name, nodes in around.uses.items()
        if any(id(node) in inside for node in nodes)
    }
    deeper = {name for below in inner[1:] for name in below.uses}
    return seen | deeper
