"""What nobody uses is taken out: imports, functions, classes and methods."""

import ast
from collections.abc import Collection

from phonehome_tools.linking.program import Program, Source, Symbol

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def prune(program: Program, wanted: Collection[str], kept: Collection[str]) -> list[str]:
    """Take out what is neither used nor in a `wanted` module nor named in `kept`; say what.

    `kept` are names that are used from outside, as attributes or by their text.
    """
    gone: list[str] = []
    imported = _imported(program)
    while True:
        found = [*_prune_imports(program), *_prune_symbols(program, wanted)]
        found += _prune_methods(program, wanted, kept)
        for name in sorted(imported - _imported(program) - {*wanted}):
            if program.sources.pop(name, None) is not None:
                found.append(name)
        if not found:
            return gone
        gone += found
        program.refresh()


def _prune_imports(program: Program) -> list[str]:
    """Names that are imported and not used."""
    gone = []
    passed_on = {found.target for source in program.sources.values() for found in source.imports}
    for source in program.sources.values():
        for found in source.imports:
            nodes = found.scope.uses.get(found.local, [])
            is_passed_on = Symbol(source.module.name, found.local) in passed_on
            if all(node is found.alias for node in nodes) and not is_passed_on:
                found.statement.names.remove(found.alias)
                gone.append(f"{source.module.name} import {found.local}")
        _prune_foreign(source)
        source.module.tree = _Sweeper().visit(source.module.tree)
    return gone


def _prune_foreign(source: Source) -> None:
    """Imports of the interpreter's modules that are not used, at the top of a module."""
    ours = {id(found.alias) for found in source.imports}
    for statement in list(source.module.tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in list(statement.names):
                local = alias.asname or alias.name.partition(".")[0]
                if id(alias) not in ours and source.uses(local) == [alias]:
                    statement.names.remove(alias)


def _imported(program: Program) -> set[str]:
    """Every module that another one imports."""
    return {f.target.module for source in program.sources.values() for f in source.imports}


def _prune_symbols(program: Program, wanted: Collection[str]) -> list[str]:
    """Functions and classes that no module names."""
    gone = []
    for name, source in program.sources.items():
        if name in wanted:
            continue
        for statement in list(source.module.tree.body):
            if isinstance(statement, _DEFINITIONS) and not statement.name.startswith("__"):
                places = [n for _, n in program.places(Symbol(name, statement.name))]
                if all(_is_within(node, statement) for node in places):
                    source.module.tree.body.remove(statement)
                    gone.append(f"{name}.{statement.name}")
    return gone


def _prune_methods(program: Program, wanted: Collection[str], kept: Collection[str]) -> list[str]:
    """Methods whose name is nowhere an attribute."""
    used = set(kept)
    for source in program.sources.values():
        used |= attribute_names(source.module.tree)
    gone = []
    for name, source in program.sources.items():
        if name in wanted:
            continue
        for cls in [n for n in ast.walk(source.module.tree) if isinstance(n, ast.ClassDef)]:
            if _has_foreign_base(program, name, cls):
                continue
            for member in list(cls.body):
                if isinstance(member, _DEFINITIONS) and _is_unused(member.name, used):
                    cls.body.remove(member)
                    gone.append(f"{name}.{cls.name}.{member.name}")
            cls.body = cls.body or [ast.Pass()]
    return gone


def attribute_names(tree: ast.AST) -> set[str]:
    """Every name behind a dot that is read, and every text that could be one."""
    return {
        node.attr if isinstance(node, ast.Attribute) else str(node.value)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load))
        or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    }


def _is_unused(name: str, used: Collection[str]) -> bool:
    return name not in used and not name.startswith("__")


def _has_foreign_base(program: Program, module: str, cls: ast.ClassDef) -> bool:
    """True when something outside may call its methods by name."""
    for base in cls.bases:
        if not isinstance(base, ast.Name):
            return True
        symbol = program.resolve(Symbol(module, base.id))
        tree = program.sources[symbol.module].module.tree
        if not any(isinstance(s, ast.ClassDef) and s.name == symbol.name for s in tree.body):
            return True
    return False


def _is_within(node: ast.AST, statement: ast.stmt) -> bool:
    return any(inner is node for inner in ast.walk(statement))


class _Sweeper(ast.NodeTransformer):
    """Takes out import statements without names; no body stays empty."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        return node if node.names else None

    def visit_Import(self, node: ast.Import) -> ast.Import | None:
        return node if node.names else None

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if isinstance(node, ast.stmt) and getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node
