"""What every room's tests share: where the project, its interpreter and its libraries are."""

import os
import sys
from pathlib import Path

import pytest

from phonehome_tools.fleet.postgresql import PostgreSQL
from tests.fakes.bases import make_shared

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
# The variable replaces the interpreter's own path: its frozen asyncio must be named again.
MICROPYPATH = ":".join(
    str(path)
    for path in (
        ".frozen",
        ROOT / "device",
        ROOT / "shared",
        ROOT / "tools",
        BIN.parent / "upylib",
        ROOT,
    )
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/pico to who names it, as `make test-pico` does: it needs firmware."""
    is_named = any("pico" in Path(word).parts for word in config.args)
    return True if collection_path == ROOT / "tests" / "pico" and not is_named else None


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def micropython() -> Path:
    """The unix MicroPython that `make setup` installs; missing is a failure, not a skip."""
    path = BIN / "micropython"
    assert path.exists(), f"{path} is missing: run 'make setup'"
    return path


@pytest.fixture(scope="session")
def micropython_environment() -> dict[str, str]:
    """The environment in which MicroPython finds the device code and umqtt.simple."""
    return {**os.environ, "MICROPYPATH": MICROPYPATH}


@pytest.fixture(scope="session")
def postgresql():
    """A PostgreSQL of this run; without fsync, because no test here cuts the power under it."""
    with PostgreSQL(is_durable=False) as server:
        make_shared(server)
        yield server
