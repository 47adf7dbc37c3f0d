"""The shape of the sources: small files, small functions, no drawer without a label."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
DRAWERS = {"utils", "helpers", "manager", "common", "misc"}


def sources() -> list[str]:
    """Every Python file of the project."""
    return sorted(
        str(path.relative_to(ROOT))
        for room in ("shared", "device", "cloud", "tools", "tests")
        for path in (ROOT / room).rglob("*.py")
    )


@pytest.mark.parametrize("file", sources())
def test_files_and_functions_are_small(file):
    """A file holds one noun in at most 400 lines, a function at most 50."""
    text = (ROOT / file).read_text()
    assert len(text.splitlines()) <= MAX_FILE_LINES
    long = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_no_file_is_a_drawer():
    """No file is named after having no name."""
    assert [file for file in sources() if Path(file).stem in DRAWERS] == []


@pytest.mark.parametrize("file", [f for f in sources() if f.startswith("tests/")])
def test_every_test_says_what_it_promises(file):
    """Each test has a docstring."""
    silent = [
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []
