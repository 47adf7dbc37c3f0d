"""Which names of a large module get the numbers below 128, which take one byte in bytecode.

The compiler numbers names as it meets them, the module's own statements first. So the first one,
in a branch that is never taken, names the most used; it is dropped with the rest once it has run.
"""

import ast
from collections import Counter
from typing import Final

_ONE_BYTE: Final = 126  # 128 less the name of the file and that of the test
_INTERNED: Final = 10  # longer texts are objects, not names


def put_hot_names_first(tree: ast.Module) -> None:
    """Name the most used names of a module in its first statement."""
    counts = count_names(tree)
    hot = sorted(counts, key=lambda name: (-counts[name], name))[:_ONE_BYTE]
    chain: ast.expr = ast.Name("__name__", ast.Load())
    for name in hot:
        chain = ast.Attribute(chain, name, ast.Load())
    test = ast.UnaryOp(ast.Not(), ast.Name("__name__", ast.Load()))
    tree.body.insert(0, ast.If(test, [ast.Expr(chain)], []))


def count_names(tree: ast.Module) -> Counter[str]:
    """How often bytecode that stays has each name: not the statements of the module itself."""
    counts: Counter[str] = Counter()
    for function in _functions(tree):
        counts[function.name] += 1
        parameters = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
        for node in ast.walk(function):
            if not isinstance(node, ast.Name) or node.id not in parameters:
                counts.update(_name_of(node))
    return counts


def _functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module and of its classes."""
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node)
        elif isinstance(node, ast.ClassDef):
            found += _functions(node)
    return found


def _name_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.Name(id=name) if not name.startswith("_v"):
            return [name]
        case ast.Constant(value=str(text)) if text.isidentifier() and len(text) <= _INTERNED:
            return [text]
    return []
