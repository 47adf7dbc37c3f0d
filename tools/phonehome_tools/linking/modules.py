"""The sources as syntax trees, stripped of what a board never needs."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from phonehome_tools.linking.errors import LinkageError

# What the compiler of boards would find out for itself, only later and per module.
KNOWN = {"IS_LINKED": True, "IS_MICROPYTHON": True, "TYPE_CHECKING": False}
_ORIGIN = "origin"
N = TypeVar("N", bound=ast.AST)
F = TypeVar("F", ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Module:
    """One source: its dotted name, its path below the rooms, its tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """True for the __init__ of a folder."""
        return self.path.name == "__init__.py"

    @property
    def package(self) -> str:
        """The dotted name that relative imports start from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


def read_module(name: str, path: Path) -> Module:
    """Parse a source; every statement remembers where it stood."""
    tree = ast.parse(path.read_text(), str(path))
    _mark(tree, name, "")
    module = Module(name, path, tree)
    module.tree = _Stripper(module).visit(tree)
    return module


def origin_of(node: ast.AST) -> tuple[str, int, str] | None:
    """(module, line, function) of a statement; None for what the linker made."""
    return getattr(node, _ORIGIN, None)


def _mark(node: ast.AST, module: str, function: str) -> None:
    """Note in every statement where it stands."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler):
            setattr(child, _ORIGIN, (module, child.lineno, function))
        inner = function
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner = f"{function}.{child.name}" if function else child.name
        _mark(child, module, inner)


def blame(module: Module, node: ast.AST, text: str) -> LinkageError:
    """The error for a place in a source."""
    return LinkageError(f"{module.path}:{getattr(node, 'lineno', 1)}: {text}")


class _Stripper(ast.NodeTransformer):
    """Takes out docstrings, annotations, and branches that are not for boards."""

    def __init__(self, module: Module) -> None:
        self._module = module

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = _without_docstring(node.body)
        node.body = [stmt for stmt in node.body if not _is_for_people(stmt)]
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.body = _without_docstring(node.body)
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        return self._strip_function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        return self._strip_function(node)

    def _strip_function(self, node: F) -> F:
        node.body = _without_docstring(node.body)
        node.returns = None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt | None:
        if node.value is None:
            return None
        self.generic_visit(node)
        plain = ast.Assign([node.target], node.value, lineno=node.lineno)
        return _like(node, plain)

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        known = _known(node.test)
        if known is None:
            self.generic_visit(node)
            return node
        chosen = node.body if known else node.orelse
        kept: list[ast.stmt] = []
        for stmt in chosen:
            new = self.visit(stmt)
            kept += new if isinstance(new, list) else [new] if new is not None else []
        return kept

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "__name__" and isinstance(node.ctx, ast.Load):
            return ast.Constant(self._module.name)
        if node.id in KNOWN and isinstance(node.ctx, ast.Load):
            return ast.Constant(KNOWN[node.id])
        return node


def _like(node: ast.AST, new: N) -> N:
    """Give a new statement the place of the one it stands for."""
    setattr(new, _ORIGIN, origin_of(node))
    return ast.copy_location(new, node)


def _known(test: ast.expr) -> bool | None:
    """What a test of the interpreter comes out as on a board."""
    match test:
        case ast.Name(id=name) if name in KNOWN:
            return KNOWN[name]
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)) if name in KNOWN:
            return not KNOWN[name]
    return None


def _is_for_people(stmt: ast.stmt) -> bool:
    """`__all__`, and what is known here already."""
    match stmt:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name == "__all__" or name in KNOWN
    return False


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return list(rest)
    return body


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Every statement, outer before inner, in the order of the text."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.stmt):
            yield child
        yield from statements(child)


def read_modules(sources: Mapping[str, Path]) -> dict[str, Module]:
    """All modules by dotted name, in the order of their names."""
    return {name: read_module(name, sources[name]) for name in sorted(sources)}
