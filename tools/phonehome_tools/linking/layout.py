"""The text of a unit as it is compiled, and which statements share a line in it.

Each statement that begins a line costs a byte of flash, and of heap while it is loaded. What
cannot fail stands on the line of what can, so that the line of a traceback still is one statement.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Statement: TypeAlias = ast.stmt | ast.ExceptHandler

_BLOCKS: Final = ("body", "orelse", "finalbody")
_HEADS: Final = (ast.If, ast.While, ast.For, ast.With, ast.Try)
_SIMPLE: Final = (
    ast.Assign,
    ast.AugAssign,
    ast.Break,
    ast.Continue,
    ast.Expr,
    ast.Pass,
    ast.Raise,
    ast.Return,
)


def text_of(tree: ast.Module) -> str:
    """The source text that is compiled."""
    lines = [line for line in ast.unparse(tree).split("\n") if line]
    joints = dict(_joints(ast.parse("\n".join(lines))))
    text = ""
    for number, line in enumerate(lines, 1):
        text += joints[number] + line.strip() if number in joints else f"\n{line}"
    return text.removeprefix("\n") + "\n"


def can_fail(node: Statement) -> bool:
    """Whether a traceback can name a statement: of one with a block, its head."""
    match node:
        case ast.Pass() | ast.Break() | ast.Continue() | ast.Try():
            return False
        case ast.Assign(targets=[ast.Name()], value=value):
            return not _is_plain(value)
        case ast.Assign(targets=[ast.Attribute(value=ast.Name("self"))], value=value):
            return not _is_plain(value)
        case ast.Return(value=value):
            return value is not None and not _is_plain(value)
        case ast.If(test=test) | ast.While(test=test):
            return not _is_plain(test)
    return True


def _joints(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The lines that go on with the line before, and what stands between the two."""
    for node in ast.walk(tree):
        for name in _BLOCKS:
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                groups = _groups_of(block)
                for group in groups:
                    yield from ((one.lineno, "; ") for one in group[1:])
                if name == "body" and len(groups) == 1 and _fits_head(node, block):
                    yield block[0].lineno, " "


def _groups_of(block: Sequence[ast.stmt]) -> list[list[ast.stmt]]:
    """The statements of a block by line; at most one of a line can fail."""
    groups: list[list[ast.stmt]] = []
    for one in block:
        if groups and all(map(_is_short, (groups[-1][-1], one))) and _is_sure(*groups[-1], one):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _fits_head(node: ast.AST, block: Sequence[ast.stmt]) -> bool:
    return isinstance(node, _HEADS) and _is_short(block[0]) and _is_sure(node, *block)


def _is_sure(*nodes: Statement) -> bool:
    return sum(map(can_fail, nodes)) <= 1


def _is_short(node: ast.stmt) -> bool:
    return isinstance(node, _SIMPLE) and node.end_lineno == node.lineno


def _is_plain(node: ast.expr) -> bool:
    """Whether it asks names and constants alone."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[right]):
            return _is_plain(left) and _is_plain(right)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _is_plain(inner)
        case ast.Tuple(elts=parts) | ast.BoolOp(values=parts):
            return all(map(_is_plain, parts))
    return False
