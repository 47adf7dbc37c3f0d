"""The receiver's page is complete: settings, operations and problems are written down."""

import re

import pytest

from phonehome_cloud.settings import reference
from phonehome_cloud.web.desk import OPERATIONS


@pytest.fixture(scope="module")
def page(project):
    """The text of cloud/README.md."""
    return (project / "cloud/README.md").read_text()


def test_the_table_of_settings_is_that_of_the_code(page):
    """`python -m phonehome_cloud settings` prints it: name, default, wish and purpose of each."""
    assert reference() in page


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_every_operation_is_on_the_page(page, operation):
    """The table of the API has each method and path."""
    path = re.sub(r"\{(\w+)(:[^{}]*(\{[^{}]*\})?)?\}", r"<\1>", operation.path)
    assert f"`{operation.method} {path}`" in page
