"""The databases that the receiver's tests run on."""

import pytest

from tests.cloud.kettle import Home
from tests.fakes.bases import empty_shared, use_base


@pytest.fixture(params=["sqlite", "postgresql"])
def each_database(request, tmp_path):
    """The test twice: with SQLite in its folder, and with an empty PostgreSQL."""
    if request.param == "postgresql":
        use_base(tmp_path, empty_shared(request.getfixturevalue("postgresql")))
    return request.param


@pytest.fixture
def home(tmp_path, each_database):
    """A kettle in somebody's home."""
    made = Home(tmp_path)
    yield made
    made.close()
