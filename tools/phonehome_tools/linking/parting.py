"""Methods that are seldom called leave their classes, for modules that are loaded with a call.

It happens last, when every name is what it stays: a method takes along imports of what it used of
its module, and its class finds it by `__path__`, as the device's core/seldom.py tells.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from phonehome_tools.linking.errors import LinkageError
from phonehome_tools.linking.modules import origin_of, statements
from phonehome_tools.linking.naming import seldom_words, settled
from phonehome_tools.linking.scopes import Scope, rename, scopes_of

Method: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_METHODS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PLACE_BITS: Final = 7
_VARIABLE: Final = "_vs_{}"  # a local one, as those of linking.locals


@dataclass(frozen=True)
class Finder:
    """What a class without its seldom methods gets: functions of the unit `home`."""

    home: str
    find: str
    make: str
    room: str


@dataclass(frozen=True)
class Found:
    """A method of the table and where it stands."""

    label: str
    unit: str
    owner: ast.ClassDef
    method: Method

    @property
    def is_property(self) -> bool:
        """True for what is asked for without a call."""
        return bool(self.method.decorator_list)


def part(
    units: dict[str, ast.Module], seldom: Collection[Collection[str]], finder: Finder
) -> None:
    """Take what `seldom` names out of the units; each of its collections becomes one more unit.

    It has methods as `module.Class.method` of the sources. LinkageError for one that is not there
    or cannot leave its class.
    """
    methods = {found.label: found for found in _methods(units)}
    borrowing = {name: _Borrowing(name, tree) for name, tree in units.items()}
    asked = _asked_of_super(units)
    for label in sorted({*methods} & {label for labels in seldom for label in labels}):
        _expect_movable(methods[label], asked)
    places: dict[int, tuple[Found, dict[str, int]]] = {}
    parted = {}
    for number, labels in enumerate(seldom):
        body: list[ast.stmt] = []
        names = _names_of([methods[label].method for label in labels if label in methods], labels)
        for place, label in enumerate(sorted(labels)):
            if label not in methods:
                raise LinkageError(f"{label} is to be seldom: there is no such method")
            found = methods[label]
            _, table = places.setdefault(id(found.owner), (found, {}))
            at = number << _PLACE_BITS | place
            table[found.method.name] = ~at if found.is_property else at
            found.owner.body.remove(found.method)
            body.append(borrowing[found.unit].move(found.method, names[label]))
        body.append(_listing([names[label] for label in sorted(labels)]))
        parted[f"{finder.room}.{number}"] = ast.Module(body, [])
    for found, table in places.values():
        found.owner.body = [s for s in found.owner.body if not isinstance(s, ast.Pass)]
        found.owner.body[:0] = _finding(table, finder, is_home=found.unit == finder.home)
    for tree in units.values():
        _drop_unused(tree)
    units |= parted


def _names_of(methods: Collection[Method], labels: Collection[str]) -> dict[str, str]:
    """What the methods of one unit are called there: as nothing that they use."""
    used = {node.id for m in methods for node in ast.walk(m) if isinstance(node, ast.Name)}
    return settled(labels, used, seldom_words(len(labels)))


def _listing(names: Sequence[str]) -> ast.stmt:
    """`__path__` of a unit: its functions by their places."""
    functions = ast.Tuple([ast.Name(name, ast.Load()) for name in names], ast.Load())
    return ast.fix_missing_locations(
        ast.Assign([ast.Name("__path__", ast.Store())], functions, lineno=1)
    )


def _methods(units: Mapping[str, ast.Module]) -> Iterator[Found]:
    """Every method, by what it was called in the sources."""
    for unit, tree in units.items():
        for owner in [s for s in tree.body if isinstance(s, ast.ClassDef)]:
            for method in [s for s in owner.body if isinstance(s, _METHODS)]:
                origins = [origin_of(statement) for statement in statements(method)]
                for module, _, function in [origin for origin in origins if origin][:1]:
                    label = ".".join([module, *function.split(".")[:2]])
                    yield Found(label, unit, owner, method)


def _asked_of_super(units: Mapping[str, ast.Module]) -> set[tuple[str, str]]:
    """(class, name) of what classes ask of the one above, which no `__getattr__` answers."""
    return {
        (base.id, node.attr)
        for tree in units.values()
        for owner in tree.body
        if isinstance(owner, ast.ClassDef)
        for base in owner.bases
        if isinstance(base, ast.Name)
        for node in ast.walk(owner)
        if isinstance(node, ast.Attribute) and _is_super(node.value) and node.attr != "__init__"
    }


def _is_super(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="super")):
            return True
    return False


def _expect_movable(found: Found, asked: Collection[tuple[str, str]]) -> None:
    """LinkageError when a method means something else outside of its class."""
    method = found.method
    reasons = {
        "its class is derived from another": bool(found.owner.bases),
        "its class has a __getattr__": any(
            isinstance(s, _METHODS) and s.name == "__getattr__" for s in found.owner.body
        ),
        "a derived class asks super() for it": (found.owner.name, method.name) in asked,
        "it asks super()": any(
            isinstance(node, ast.expr) and _is_super(node) for node in ast.walk(method)
        ),
        "the interpreter looks for it": method.name.startswith("__") and method.name != "__init__",
        "its class keeps it somewhere": _is_kept(found),
        "it is decorated": [ast.unparse(d) for d in method.decorator_list]
        not in ([], ["property"]),
    }
    for reason, is_so in reasons.items():
        if is_so:
            raise LinkageError(f"{found.label} cannot be seldom: {reason}")


def _is_kept(found: Found) -> bool:
    """True for a method that its class asks for without calling it."""
    called = {id(node.func) for node in ast.walk(found.owner) if isinstance(node, ast.Call)}
    return not found.is_property and any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
        and (node.attr, id(node) in called) == (found.method.name, False)
        for node in ast.walk(found.owner)
    )


def _finding(table: Mapping[str, int], finder: Finder, *, is_home: bool) -> list[ast.stmt]:
    """What the class gets in their stead."""
    given = {"__getattr__": finder.find}
    if "__init__" in table:
        given["__init__"] = finder.make
    made: list[ast.stmt] = []
    for name, function in given.items():
        if is_home:
            made.append(ast.Assign([ast.Name(name, ast.Store())], ast.Name(function, ast.Load())))
        else:
            made.append(ast.ImportFrom(finder.home, [ast.alias(function, name)], 0))
    pairs = sorted(table.items())
    places = ast.Dict([ast.Constant(n) for n, _ in pairs], [_number(p) for _, p in pairs])
    made.append(ast.Assign([ast.Name("__path__", ast.Store())], places))
    return [ast.fix_missing_locations(statement) for statement in made]


def _number(value: int) -> ast.expr:
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


class _Borrowing:
    """What functions that leave a unit must import of it, or as it does."""

    def __init__(self, unit: str, tree: ast.Module) -> None:
        self._unit = unit
        self._scope: Scope = scopes_of(tree)
        self._imports = {
            alias.asname or alias.name: (statement, alias)
            for statement in tree.body
            if isinstance(statement, ast.Import | ast.ImportFrom)
            for alias in statement.names
        }

    def move(self, method: Method, name: str) -> Method:
        """The method as a function of this name in another module."""
        inside = {id(node) for statement in method.body for node in ast.walk(statement)}
        imports: list[ast.stmt] = []
        for word in sorted(self._scope.bound):
            nodes = [node for node in self._scope.uses[word] if id(node) in inside]
            if nodes:
                local = _VARIABLE.format(len(imports))
                imports.append(self._import(word, local))
                rename(nodes, local)
        method.name = name
        method.decorator_list = []
        method.body[:0] = [ast.fix_missing_locations(statement) for statement in imports]
        return method

    def _import(self, word: str, local: str) -> ast.stmt:
        if word not in self._imports:
            return ast.ImportFrom(self._unit, [ast.alias(word, local)], 0)
        statement, alias = self._imports[word]
        again = [ast.alias(alias.name, local)]
        if isinstance(statement, ast.Import):
            return ast.Import(again)
        return ast.ImportFrom(statement.module, again, statement.level)


def _drop_unused(tree: ast.Module) -> None:
    """Take out modules of the interpreter that only what has left used."""
    scope = scopes_of(tree)
    for statement in [s for s in tree.body if isinstance(s, ast.Import)]:
        statement.names = [
            alias
            for alias in statement.names
            if scope.uses[alias.asname or alias.name.partition(".")[0]] != [alias]
        ]
    tree.body = [s for s in tree.body if not isinstance(s, ast.Import) or s.names]
