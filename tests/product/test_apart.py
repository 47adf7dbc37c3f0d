"""Product files that another process reads: the same products and problems, and nothing left."""

import subprocess
import sys
from pathlib import Path

import pytest

from phonehome_product import ProductError
from phonehome_product.apart import load_apart, load_here

PRODUCTS = sorted((Path(__file__).parents[2] / "shared" / "products").glob("*.toml"))
SCRIPT = """
import sys
from pathlib import Path
from phonehome_product.apart import {load}
[product] = {load}([Path({path!r})])
print(product.name, "pydantic" in sys.modules)
"""


def test_products_are_the_same_wherever_they_are_read():
    """Every product that ships comes back whole, with all that its classes can do."""
    found = load_apart(PRODUCTS)
    assert found == load_here(PRODUCTS)
    assert found[0].faults[0].severity_code in range(8)


def test_what_is_wrong_comes_back_file_by_file(tmp_path):
    """Problems keep their lines and their fix, and one file's do not hide another file."""
    bad, gone = tmp_path / "bad.toml", tmp_path / "gone.toml"
    bad.write_text(PRODUCTS[0].read_text().replace("version = ", "version = -", 1))
    problems, missing, good = load_apart([bad, gone, PRODUCTS[0]])
    [expected, *_] = load_here([bad])
    assert isinstance(problems, ProductError)
    assert problems.problems == expected.problems
    assert str(problems) == str(expected)
    assert isinstance(missing, FileNotFoundError)
    assert good == load_here([PRODUCTS[0]])[0]


@pytest.mark.parametrize(("load", "is_loaded"), [("load_apart", False), ("load_here", True)])
def test_who_lets_another_process_read_has_no_pydantic(load, is_loaded):
    """That is what it is for; whoever reads a file itself has loaded it."""
    script = SCRIPT.format(load=load, path=str(PRODUCTS[0]))
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert said.stdout.decode().split()[1] == str(is_loaded)


def test_a_process_that_fails_is_an_error(monkeypatch):
    """A child that cannot run is told, not taken for products."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ChildProcessError, match="ended with 1"):
        load_apart(PRODUCTS)
