"""From many modules to few: one that is resident, and every other by itself."""

import ast
from collections.abc import Iterator, Mapping, Sequence

from phonehome_tools.linking.program import Import, Program, Source, Symbol
from phonehome_tools.linking.scopes import rename


def merge(
    program: Program, resident: Sequence[str], names: Mapping[Symbol, str]
) -> dict[str, ast.Module]:
    """The units by name; every symbol gets the name that `names` has for it.

    The resident modules become one that is called like the last of them.
    """
    joined = _Joiner(program, resident, names)
    units = {resident[-1]: joined.resident_unit()}
    for name, source in program.sources.items():
        if name not in resident and source.module.tree.body:
            units[name] = source.module.tree
    return units


class _Joiner:
    """Renames symbols everywhere and turns imports between units into what is left of them."""

    def __init__(
        self, program: Program, resident: Sequence[str], names: Mapping[Symbol, str]
    ) -> None:
        self._program = program
        self._resident = resident
        self._names = names
        for source in program.sources.values():
            for found in source.imports:
                self._turn(source, found)
        for symbol, name in names.items():
            own = program.sources[symbol.module].uses(symbol.name)
            rename([node for node in own if not isinstance(node, ast.alias)], name)

    def resident_unit(self) -> ast.Module:
        """All resident modules in one, each foreign import once."""
        body: list[ast.stmt] = []
        imports: dict[str, ast.stmt] = {}
        for name in self._resident:
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
        is_within = source.module.name in self._resident and target.module in self._resident
        is_top = found.scope is source.scope
        if is_within or is_top:
            rename(nodes, name)
        found.statement.names.remove(found.alias)
        if is_within:
            return
        unit = self._resident[-1] if target.module in self._resident else target.module
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
