"""From many modules to few: one that is resident, one of each bundle, and every other alone."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from phonehome_tools.linking.program import Import, Program, Source, Symbol
from phonehome_tools.linking.scopes import rename


def merge(
    program: Program, groups: Mapping[str, Sequence[str]], names: Mapping[Symbol, str]
) -> dict[str, ast.Module]:
    """The units by name; every symbol gets the name that `names` has for it.

    `groups` are the modules of each unit of more than one.
    """
    joined = _Joiner(program, groups, names)
    units = {unit: joined.unit(modules) for unit, modules in groups.items()}
    for name, source in program.sources.items():
        if name not in joined.unit_of and source.module.tree.body:
            units[name] = source.module.tree
    return {name: tree for name, tree in units.items() if tree.body}


class _Joiner:
    """Renames symbols everywhere and turns imports between units into what is left of them."""

    def __init__(
        self,
        program: Program,
        groups: Mapping[str, Sequence[str]],
        names: Mapping[Symbol, str],
    ) -> None:
        self._program = program
        self.unit_of = {name: unit for unit, modules in groups.items() for name in modules}
        self._names = names
        for source in program.sources.values():
            for found in source.imports:
                self._turn(source, found)
        for symbol, name in names.items():
            own = program.sources[symbol.module].uses(symbol.name)
            rename([node for node in own if not isinstance(node, ast.alias)], name)

    def unit(self, modules: Sequence[str]) -> ast.Module:
        """Modules in one, each foreign import once."""
        body: list[ast.stmt] = []
        imports: dict[str, ast.stmt] = {}
        for name in modules:
            for statement in self._program.sources[name].module.tree.body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    imports.setdefault(ast.unparse(statement), statement)
                else:
                    body.append(statement)
        return ast.Module([*imports.values(), *body], [])

    def _turn(self, source: Source, found: Import) -> None:
        """One imported name: gone within a unit, from the right unit otherwise."""
        target = self._program.resolve(found.target)
        name = self._names.get(target, target.name)
        uses = found.scope.uses.get(found.local, [])
        nodes = [node for node in uses if node is not found.alias]
        unit = self.unit_of.get(target.module, target.module)
        is_within = self.unit_of.get(source.module.name) == unit
        is_top = found.scope is source.scope
        if is_within or is_top:
            rename(nodes, name)
        found.statement.names.remove(found.alias)
        if is_within:
            return
        alias = ast.alias(name, None if is_top or name == found.local else found.local)
        statement = ast.ImportFrom(unit, [alias], 0)
        _replace(source, found, statement)


def _replace(source: Source, found: Import, statement: ast.ImportFrom) -> None:
    """Put an import statement before the one that it was in."""
    for node in ast.walk(source.module.tree):
        for name in ("body", "orelse", "handlers", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and found.statement in body:
                body.insert(body.index(found.statement), statement)
                return


def tidy(tree: ast.Module) -> ast.Module:
    """Imports of one module in one statement, and none without names."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "handlers", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list):
                joined = list(_join_imports(body))
                setattr(node, name, joined or ([ast.Pass()] if body else []))
    return tree


def _join_imports(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    last: ast.ImportFrom | None = None
    for statement in body:
        if not isinstance(statement, ast.ImportFrom):
            last = None
            yield statement
        elif statement.names:
            if last is not None and last.module == statement.module:
                have = {(alias.name, alias.asname) for alias in last.names}
                last.names += [a for a in statement.names if (a.name, a.asname) not in have]
            else:
                last = statement
                yield statement
