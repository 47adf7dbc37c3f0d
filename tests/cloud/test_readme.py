"""The receiver's page is complete: settings, operations and problems are written down."""

import re

import pytest

from phonehome_cloud.config import SETTINGS
from phonehome_cloud.web.desk import OPERATIONS


@pytest.fixture(scope="module")
def page(project):
    """The text of cloud/README.md."""
    return (project / "cloud/README.md").read_text()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)
def test_every_setting_is_on_the_page(page, setting):
    """A setting that nobody can find is no setting."""
    assert f"`{setting.name}`" in page


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method} {o.path}")
def test_every_operation_is_on_the_page(page, operation):
    """The table of the API has each method and path."""
    path = re.sub(r"\{(\w+)(:[^{}]*(\{[^{}]*\})?)?\}", r"<\1>", operation.path)
    assert f"`{operation.method} {path}`" in page
