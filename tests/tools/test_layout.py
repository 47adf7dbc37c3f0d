"""The text that is compiled: fewer lines, the same program, and each line one place to fail."""

import ast
from collections import Counter

import pytest

from phonehome_tools.linking.device import link_device
from phonehome_tools.linking.layout import can_fail, text_of
from phonehome_tools.linking.lines import places_of
from phonehome_tools.linking.modules import read_module


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a = 1\nb = f()\nreturn b\n", "a = 1; b = f(); return b\n"),
        ("a = f()\nb = g()\n", "a = f()\nb = g()\n"),
        ("self.a = a\nself.b = None\nf()\ng()\n", "self.a = a; self.b = None; f()\ng()\n"),
        ("other.a = 1\nf()\n", "other.a = 1\nf()\n"),
        ("if a is None:\n    raise E\n", "if a is None: raise E\n"),
        ("if f():\n    return 1\nelse:\n    g()\n", "if f(): return 1\nelse:\n    g()\n"),
        ("if f():\n    g()\n", "if f():\n    g()\n"),
        ("if a:\n    b = 1\n    f()\n", "if a: b = 1; f()\n"),
        ("if a:\n    f()\n    g()\n", "if a:\n    f()\n    g()\n"),
        ("if a:\n    if b:\n        f()\n", "if a:\n    if b: f()\n"),
        ("try:\n    f()\nexcept E:\n    pass\n", "try: f()\nexcept E:\n    pass\n"),
        ("def f():\n    return 1\n", "def f():\n    return 1\n"),
        ("while a and (not b):\n    break\n", "while a and (not b): break\n"),
    ],
)
def test_what_cannot_fail_shares_a_line(source, text):
    """Names, constants and the members of self that are set go with one statement that can."""
    assert text_of(ast.parse(source)) == text


@pytest.mark.parametrize("source", ["a.b", "a + b", "a[0]", "-a", "f'{a}'", "[a]", "a == b"])
def test_an_expression_that_can_fail_has_its_line(source):
    """Whatever calls, looks up, computes or allocates."""
    (statement,) = ast.parse(f"x = {source}").body
    assert can_fail(statement)


def test_every_unit_of_the_device_is_the_same_program():
    """No line of it has two statements that can fail, and lines are all that changed."""
    saved = 0
    for tree in link_device().units.values():
        plain, text = ast.unparse(tree), text_of(tree)
        written = ast.parse(text)
        assert ast.dump(written) == ast.dump(ast.parse(plain))
        failing = Counter(
            node.lineno
            for node in ast.walk(written)
            if isinstance(node, ast.stmt) and can_fail(node)
        )
        assert set(failing.values()) <= {1}
        saved += len([line for line in plain.split("\n") if line]) - text.count("\n")
    assert saved > 500


def test_a_line_leads_to_the_statement_that_can_fail(tmp_path):
    """Of several on it the one that a traceback means, wherever it stands among them."""
    path = tmp_path / "part.py"
    path.write_text("def run(a):\n    b = 1\n    c = a()\n    d = b\n    return c\n    a()\n")
    tree = read_module("part", path).tree
    assert text_of(tree).split("\n")[1:3] == ["    b = 1; c = a(); d = b; return c", "    a()"]
    assert places_of(tree)[1:] == [(2, "part", 3, "run"), (3, "part", 6, "run")]
