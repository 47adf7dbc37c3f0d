"""The tests of the code that runs on a board, run again by the interpreter of a board."""

import subprocess
from pathlib import Path

import pytest

from tests.fakes.compiled import compile_sources

ROOT = Path(__file__).parents[2]
HOST_ONLY = "# cpython-only"


def both_interpreters() -> list[str]:
    """Test files of the rooms that run on a board, less those that say they need the host."""
    files = [*ROOT.glob("tests/shared/test_*.py"), *ROOT.glob("tests/device/test_*.py")]
    return sorted(
        str(file.relative_to(ROOT)) for file in files if not file.read_text().startswith(HOST_ONLY)
    )


def run(
    interpreter: Path, environment: dict[str, str], *files: str
) -> subprocess.CompletedProcess[str]:
    """The runner's outcome under MicroPython with the heap of a Pico W in 64-bit objects."""
    return subprocess.run(
        [interpreter, "-X", "heapsize=416k", "tests/upy/run.py", *files],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="session")
def environment(tmp_path_factory, micropython_environment) -> dict[str, str]:
    """The environment of a board, which loads .mpy and has no room for a compiler's work."""
    compiled = tmp_path_factory.mktemp("compiled")
    compile_sources(compiled)
    path = micropython_environment["MICROPYPATH"].replace(".frozen:", f".frozen:{compiled}:")
    return {**micropython_environment, "MICROPYPATH": path}


@pytest.mark.parametrize("file", both_interpreters())
def test_passes_on_micropython(file, micropython, environment):
    """A test file that passes on CPython passes on MicroPython with a board-sized heap."""
    done = run(micropython, environment, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_runner_fails_on_nothing(tmp_path, micropython, micropython_environment):
    """A file without a test is a failure, and so is a failing test."""
    empty = tmp_path / "test_empty.py"
    empty.write_text("x = 1\n")
    failing = tmp_path / "test_failing.py"
    failing.write_text("def test_no():\n    assert 1 == 2\n")
    assert run(micropython, micropython_environment, str(empty)).returncode == 1
    assert run(micropython, micropython_environment, str(failing)).returncode == 1


def test_both_interpreters_have_work():
    """The list of shared test files is not empty."""
    assert len(both_interpreters()) >= 5
