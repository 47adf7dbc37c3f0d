"""What the compiler gives every class and nobody on a board reads: two entries of its dict."""

import ast

_GIVEN = ("__qualname__", "__module__")  # the finder of seldom methods has a use for the second


def drop_given(tree: ast.Module) -> None:
    """Take them out before the class gets its own, which then have their places."""
    for owner in [statement for statement in tree.body if isinstance(statement, ast.ClassDef)]:
        names = {node.id for node in ast.walk(owner) if isinstance(node, ast.Name)}
        given = _GIVEN[:1] if "__path__" in names else _GIVEN
        gone = ast.Delete([ast.Name(name, ast.Del()) for name in given])
        owner.body.insert(0, ast.fix_missing_locations(gone))
