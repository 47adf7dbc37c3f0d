"""All sources of a link together: what each name of a module stands for, across modules."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from phonehome_tools.linking.modules import Module, blame
from phonehome_tools.linking.scopes import Scope, scopes_of


@dataclass(frozen=True, order=True)
class Symbol:
    """Something that a module defines; with an empty name the module itself."""

    module: str
    name: str


@dataclass
class Import:
    """One name that one statement takes from another of our modules, and the scope it goes to."""

    statement: ast.ImportFrom
    alias: ast.alias
    scope: Scope
    target: Symbol

    @property
    def local(self) -> str:
        """The name it has where it is imported."""
        return self.alias.asname or self.alias.name


@dataclass
class Source:
    """A module with its names resolved."""

    module: Module
    scope: Scope
    imports: list[Import] = field(default_factory=list)

    def top_imports(self) -> list[Import]:
        """What is imported when the module is."""
        return [found for found in self.imports if found.scope is self.scope]

    def uses(self, name: str) -> list[ast.AST]:
        """The places where a name of the module stands."""
        return self.scope.uses.get(name, [])


class Program:
    """The modules by name; `resolve` follows a name through re-exports to who defines it."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self.sources = {name: self._read(module) for name, module in modules.items()}
        self._find_imports()

    def refresh(self) -> None:
        """Resolve all names again, after trees were changed."""
        for name, source in self.sources.items():
            self.sources[name] = self._read(source.module)
        self._find_imports()

    def _find_imports(self) -> None:
        for source in self.sources.values():
            source.imports = list(self._imports(source))
        self._passed_on = {
            Symbol(name, found.local): found.target
            for name, source in self.sources.items()
            for found in source.top_imports()
        }
        self._importers: dict[Symbol, list[tuple[str, Import]]] = {}
        for name, source in self.sources.items():
            for found in source.imports:
                if found.target.name:
                    self._importers.setdefault(self.resolve(found.target), []).append(
                        (name, found)
                    )

    def resolve(self, symbol: Symbol) -> Symbol:
        """The symbol itself, or what the module imports under this name, to the end."""
        while symbol in self._passed_on:
            symbol = self._passed_on[symbol]
        return symbol

    def places(self, symbol: Symbol) -> Iterator[tuple[str, ast.AST]]:
        """(module, node) wherever a symbol is named: at home, and where it is imported."""
        for node in self.sources[symbol.module].uses(symbol.name):
            yield symbol.module, node
        for name, found in self._importers.get(symbol, ()):
            for node in found.scope.uses.get(found.local, []):
                if node is not found.alias:
                    yield name, node

    def _read(self, module: Module) -> Source:
        try:
            return Source(module, scopes_of(module.tree))
        except TypeError as error:
            raise blame(module, module.tree, str(error)) from None

    def _imports(self, source: Source) -> Iterator[Import]:
        statements = _import_statements(source.module.tree)
        for scope in source.scope.walk():
            for nodes in scope.uses.values():
                for node in nodes:
                    if isinstance(node, ast.alias):
                        statement = statements.get(id(node))
                        if statement is not None:
                            yield from self._import(source, scope, node, statement)

    def _import(
        self, source: Source, scope: Scope, alias: ast.alias, statement: ast.ImportFrom
    ) -> Iterator[Import]:
        base = absolute(source.module, statement)
        whole = f"{base}.{alias.name}"
        if whole in self.sources:
            yield Import(statement, alias, scope, Symbol(whole, ""))
        elif base in self.sources:
            yield Import(statement, alias, scope, Symbol(base, alias.name))


def name_members(program: Program) -> None:
    """Turn `module.name` of our modules into imports of the name."""
    for source in program.sources.values():
        for found in source.imports:
            if not found.target.name:
                _name_members(source, found)
    program.refresh()


def _name_members(source: Source, found: Import) -> None:
    taken: dict[str, str] = {}
    replaced: dict[int, str] = {}
    for node in attributes_of(source, found):
        local = taken.setdefault(node.attr, f"{found.local}__{node.attr}")
        replaced[id(node)] = local
    aliases = [ast.alias(name, local) for name, local in taken.items()]
    found.statement.names.remove(found.alias)
    source.module.tree = _Namer(replaced).visit(source.module.tree)
    for around in ast.walk(source.module.tree):
        body = getattr(around, "body", None)
        if aliases and isinstance(body, list) and found.statement in body:
            statement = ast.ImportFrom(found.target.module, aliases, 0)
            body.insert(body.index(found.statement), statement)
            return


class _Namer(ast.NodeTransformer):
    """Puts names in the place of attributes."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self._names = names

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if id(node) in self._names:
            return ast.copy_location(ast.Name(self._names[id(node)], node.ctx), node)
        self.generic_visit(node)
        return node


def attributes_of(source: Source, found: Import) -> Iterator[ast.Attribute]:
    """Every `module.name` through an imported module."""
    names = set(map(id, found.scope.uses.get(found.local, [])))
    for node in ast.walk(source.module.tree):
        if isinstance(node, ast.Attribute) and id(node.value) in names:
            yield node


def absolute(module: Module, statement: ast.ImportFrom) -> str:
    """The dotted name behind `from`."""
    if not statement.level:
        return statement.module or ""
    parts = module.package.split(".")
    base = parts[: len(parts) - statement.level + 1]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _import_statements(tree: ast.Module) -> dict[int, ast.ImportFrom]:
    """The statement of every name that is imported from a module, by the id of its node."""
    return {
        id(alias): node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
