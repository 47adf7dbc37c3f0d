"""Classes that share their members: those that inherit from each other."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from phonehome_tools.linking.program import Program, Symbol
from phonehome_tools.linking.scopes import arguments

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Family:
    """One or more classes; `members` are the nodes of each name that belongs to their objects.

    Foreign is a family with a base that is not ours, whose names we do not know.
    """

    classes: list[tuple[Symbol, ast.ClassDef]]
    is_foreign: bool
    members: dict[str, list[ast.AST]] = field(default_factory=dict)

    def is_method(self, name: str) -> bool:
        """True for what shows in a traceback."""
        return any(isinstance(node, _FUNCTIONS) for node in self.members[name])

    def name_now(self, name: str) -> str:
        """What a member of the sources is called by now."""
        return name_of(self.members[name][0]) if name in self.members else name


def families_of(program: Program) -> list[Family]:
    """All families, each with its members."""
    classes = {
        Symbol(name, statement.name): statement
        for name, source in program.sources.items()
        for statement in source.module.tree.body
        if isinstance(statement, ast.ClassDef)
    }
    groups: dict[Symbol, Family] = {}
    for symbol, cls in classes.items():
        root, is_foreign = _root(program, classes, symbol)
        family = groups.setdefault(root, Family([], is_foreign))
        family.classes.append((symbol, cls))
    for family in groups.values():
        for symbol, cls in family.classes:
            for name, node in _members(program, symbol, cls):
                family.members.setdefault(name, []).append(node)
    return list(groups.values())


def _root(
    program: Program, classes: dict[Symbol, ast.ClassDef], symbol: Symbol
) -> tuple[Symbol, bool]:
    """The oldest ancestor that is ours, and whether one stands behind it that is not."""
    bases = classes[symbol].bases
    if not bases:
        return symbol, False
    if len(bases) == 1 and isinstance(bases[0], ast.Name):
        base = program.resolve(Symbol(symbol.module, bases[0].id))
        if base in classes:
            return _root(program, classes, base)
    return symbol, True


def _members(program: Program, symbol: Symbol, cls: ast.ClassDef) -> Iterator[tuple[str, ast.AST]]:
    scope = next(
        s
        for s in program.sources[symbol.module].scope.walk()
        if s.kind == "class" and s.node is cls
    )
    for name, nodes in scope.uses.items():
        for node in nodes:
            yield name, node
    for statement in cls.body:
        if isinstance(statement, _FUNCTIONS) and arguments(statement):
            this = arguments(statement)[0].arg
            for node in ast.walk(statement):
                if _is_attribute_of(this, node):
                    yield node.attr, node  # type: ignore[attr-defined]


def _is_attribute_of(this: str, node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id=name)):
            return name == this
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"))):
            return True
    return False


def name_of(node: ast.AST) -> str:
    """The name that a member has at one of its places, which may have been renamed."""
    for kind in ("attr", "id", "name", "arg"):
        if isinstance(getattr(node, kind, None), str):
            return str(getattr(node, kind))
    raise TypeError(type(node).__name__)
