"""Which name in a source means what: every occurrence, under the scope that binds it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Kind = Literal["module", "class", "function"]
FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Scope:
    """A module, class, function or comprehension.

    `uses` are the nodes of each name that means a variable of this scope; `bound` the names it
    binds itself: in a module what is in `uses` and not in `bound` is built in.
    """

    kind: Kind
    node: ast.AST
    parent: "Scope | None" = None
    bound: set[str] = field(default_factory=set)
    uses: dict[str, list[ast.AST]] = field(default_factory=dict)
    children: list["Scope"] = field(default_factory=list)

    def walk(self) -> Iterator["Scope"]:
        """The scope itself and all within it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, name: str) -> "Scope":
        """The scope that a name means when it is used here."""
        scope = self
        while scope.parent is not None and name not in scope.bound:
            scope = scope.parent
            while scope.kind == "class" and scope.parent is not None:
                scope = scope.parent
        return scope


def scopes_of(tree: ast.Module) -> Scope:
    """The scope of a module, with every name in it resolved."""
    builder = _Builder()
    root = builder.build(tree)
    for scope, name, node in builder.found:
        scope.find(name).uses.setdefault(name, []).append(node)
    return root


def rename(nodes: list[ast.AST], name: str) -> None:
    """Give a variable another name at all its places."""
    for node in nodes:
        match node:
            case ast.Name():
                node.id = name
            case ast.arg():
                node.arg = name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.ExceptHandler():
                node.name = name
            case ast.alias():
                node.asname = name if name != node.name else None
            case _:
                raise TypeError(f"a name in {type(node).__name__}")


class _Builder(ast.NodeVisitor):
    """Walks a tree with the scope it is in; names are noted and resolved afterwards."""

    def __init__(self) -> None:
        self.found: list[tuple[Scope, str, ast.AST]] = []

    def build(self, tree: ast.Module) -> Scope:
        """The scope of a whole module."""
        self._scope = root = Scope("module", tree)
        self.generic_visit(tree)
        return root

    def _note(self, name: str, node: ast.AST, *, binds: bool) -> None:
        if binds:
            self._scope.bound.add(name)
        self.found.append((self._scope, name, node))

    def _enter(self, kind: Kind, node: ast.AST) -> Scope:
        outer = self._scope
        self._scope = Scope(kind, node, outer)
        outer.children.append(self._scope)
        return outer

    def visit_Name(self, node: ast.Name) -> None:
        self._note(node.id, node, binds=not isinstance(node.ctx, ast.Load))

    def visit_alias(self, node: ast.alias) -> None:
        self._note(node.asname or node.name.partition(".")[0], node, binds=True)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self._note(node.name, node, binds=True)
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._note(node.name, node, binds=True)
        for expr in (*node.bases, *node.decorator_list):
            self.visit(expr)
        outer = self._enter("class", node)
        for stmt in node.body:
            self.visit(stmt)
        self._scope = outer

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_named(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_named(node)

    def _visit_named(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._note(node.name, node, binds=True)
        for expr in node.decorator_list:
            self.visit(expr)
        self._visit_function(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_function(node, [node.body])

    def _visit_function(self, node: FunctionNode, body: list[ast.stmt] | list[ast.expr]) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outer = self._enter("function", node)
        for arg in arguments(node):
            self._note(arg.arg, arg, binds=True)
        for part in body:
            self.visit(part)
        self._scope = outer

    def visit_Global(self, node: ast.Global) -> None:
        raise TypeError(f"line {node.lineno}: the linker does not follow 'global'")

    def visit_Nonlocal(self, node: ast.Nonlocal) -> None:
        raise TypeError(f"line {node.lineno}: the linker does not follow 'nonlocal'")

    def _visit_comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._visit_generators(node, node.generators, [node.elt])

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _visit_comprehension  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_generators(node, node.generators, [node.key, node.value])

    def _visit_generators(
        self, node: ast.AST, generators: list[ast.comprehension], results: list[ast.expr]
    ) -> None:
        """The first iterable belongs to the scope outside, everything else to one of its own."""
        self.visit(generators[0].iter)
        outer = self._enter("function", node)
        for number, generator in enumerate(generators):
            if number:
                self.visit(generator.iter)
            self.visit(generator.target)
            for test in generator.ifs:
                self.visit(test)
        for result in results:
            self.visit(result)
        self._scope = outer


def arguments(node: FunctionNode) -> list[ast.arg]:
    """Every parameter of a function, in order."""
    args = node.args
    rest = [arg for arg in (args.vararg, args.kwarg) if arg is not None]
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *rest]
