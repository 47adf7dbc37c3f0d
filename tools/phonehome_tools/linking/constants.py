"""Constants of modules, put in where they are used: no name, no entry, folded by the compiler."""

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from phonehome_tools.linking.program import Program, Symbol

_BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_PLAIN = (int, bool, str, bytes)
# What stays one object is worth a name when it is used more often than this.
_TUPLE_USES = 1


class NotConstantError(Exception):
    """The value is only known on the board."""


class Constants:
    """The constants of a program, each evaluated when it is asked for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._values: dict[Symbol, Any] = {}
        self._assigned = {
            Symbol(name, target): (statement, value)
            for name, source in program.sources.items()
            for statement in source.module.tree.body
            for target, value in _assignment(statement)
            if _is_bound_once(source.uses(target))
        }

    def value(self, symbol: Symbol) -> Any:
        """The value of a symbol; NotConstantError when it has none."""
        symbol = self._program.resolve(symbol)
        if symbol not in self._values:
            if symbol not in self._assigned:
                raise NotConstantError
            _, expression = self._assigned[symbol]
            self._values[symbol] = self._evaluate(symbol.module, expression)
        return self._values[symbol]

    def all(self) -> dict[Symbol, Any]:
        """Every constant, by the module that defines it."""
        found = {}
        for symbol in self._assigned:
            try:
                found[symbol] = self.value(symbol)
            except NotConstantError:
                continue
        return found

    def statement(self, symbol: Symbol) -> ast.stmt:
        """The assignment of a constant."""
        return self._assigned[symbol][0]

    def _evaluate(self, module: str, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value) if value is None or isinstance(value, _PLAIN):
                return value
            case ast.Name(id=name):
                return self.value(Symbol(module, name))
            case ast.Call(func=ast.Name(id="const"), args=[value]):
                return self._evaluate(module, value)
            case ast.UnaryOp(op=ast.USub(), operand=value):
                return -self._evaluate(module, value)
            case ast.UnaryOp(op=ast.Invert(), operand=value):
                return ~self._evaluate(module, value)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                both = self._evaluate(module, left), self._evaluate(module, right)
                return _BINARY[type(op)](*both)
            case ast.Subscript(
                value=ast.Call(
                    func=ast.Attribute(value=text, attr="partition" | "rpartition" as way),
                    args=[ast.Constant(value=separator)],
                ),
                slice=ast.Constant(value=int(at)),
            ):
                return getattr(self._evaluate(module, text), way)(separator)[at]
            case ast.Tuple(elts=parts):
                return tuple(self._evaluate(module, part) for part in parts)
        raise NotConstantError


def fold(program: Program) -> dict[Symbol, Any]:
    """Put every constant where it is used and take its assignment out; return what there was."""
    constants = Constants(program)
    found = constants.all()
    literals: dict[int, Any] = {}
    for symbol, value in found.items():
        loads = [(name, node) for name, node in program.places(symbol) if _is_load(node)]
        if isinstance(value, tuple) and len(loads) > _TUPLE_USES:
            continue
        for _, node in loads:
            literals[id(node)] = value
        tree = program.sources[symbol.module].module.tree
        tree.body.remove(constants.statement(symbol))
    for source in program.sources.values():
        source.module.tree = _Filler(literals).visit(source.module.tree)
    program.refresh()
    return found


def literal(value: Any) -> ast.expr:
    """The expression of a constant, as somebody would write it."""
    if isinstance(value, tuple):
        return ast.Tuple([literal(part) for part in value], ast.Load())
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


class _Filler(ast.NodeTransformer):
    """Puts literals at places, and joins texts that became literals."""

    def __init__(self, literals: dict[int, Any]) -> None:
        self._literals = literals

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return literal(self._literals[id(node)]) if id(node) in self._literals else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.BinOp(
                left=ast.Constant(value=str(left)),
                op=ast.Add(),
                right=ast.Constant(value=str(right)),
            ):
                return ast.Constant(left + right)
        return node


def _assignment(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return [(name, value)]
    return []


def _is_bound_once(nodes: list[ast.AST]) -> bool:
    return sum(not _is_load(node) for node in nodes) == 1


def _is_load(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
