"""The tests that run on both interpreters, run once more by the firmware of a board."""

from pathlib import Path

import pytest

from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from tests.upy.test_on_micropython import ROOT, both_interpreters

PARTS = (
    "tests/fakes/agent.py",
    "tests/fakes/claims.py",
    "tests/fakes/desk.py",
    "tests/fakes/flash.py",
    "tests/fakes/records.py",
    "tests/shared/frames.py",
    "tests/shared/golden.py",
)
# These walk through more cases than 125 MHz can in a minute; unix MicroPython runs them all.
SLOW = {
    "tests/device/test_sleeper.py",
    "tests/device/test_power_cut.py",
    "tests/shared/test_crash.py",
    "tests/shared/test_fault.py",
}
# These bring a machine of their own, and the board has one.
FAKED = {
    "tests/device/test_ports_sensors.py",
    "tests/device/test_ports_sleep.py",
    "tests/device/test_watch.py",
}
# The firmware of a board without a network has no sockets, and takes no way to a receiver.
NETWORKED = {"tests/device/test_stream.py", "tests/device/test_pushed_ways.py"}
RUN = """
import gc, sys
gc.threshold(16384)
module = __import__({!r}, None, None, ("x",))
passed = 0
for name in sorted(dir(module)):
    if name.startswith("test_"):
        gc.collect()
        try:
            getattr(module, name)()
            passed += 1
        except Exception as error:
            print("FAILED", name)
            sys.print_exception(error)
print("passed", passed)
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """A flash with the rooms, the tests and their vectors."""
    from phonehome_tools.pico.image import build_image, compiled

    rooms = {"device": "phonehome", "shared": "phonehome_wire", "tools": "phonehome_sim"}
    lib = {
        file.relative_to(ROOT / room).as_posix(): file
        for room, package in rooms.items()
        for file in (ROOT / room / package).rglob("*.py")
        if file.name != "native.py"  # of CPython
    }
    tests = {name: ROOT / name for name in {*PARTS, *both_interpreters()} - FAKED - NETWORKED}
    files = {f"/lib/{name}": data for name, data in compiled(lib).items()}
    files |= {f"/{name}": data for name, data in compiled(tests).items()}
    for file in (ROOT / "tests/vectors").glob("*.json*"):
        files[f"/tests/vectors/{file.name}"] = file.read_bytes()
    path = tmp_path_factory.mktemp("suite") / "flash.img"
    path.write_bytes(build_image(files, settings.PICO_BLOCKS))
    return path


@pytest.mark.parametrize("file", sorted(set(both_interpreters()) - SLOW - FAKED - NETWORKED))
def test_passes_on_the_firmware(file, image):
    """What passes on unix MicroPython passes with small integers of 31 bits and 242 KB."""
    with PicoBoard(settings.pico(), image) as pico:
        lines = pico.run(RUN.format(file.removesuffix(".py").replace("/", ".")), within_s=120)
    failed = [line for line in lines if line.startswith("FAILED")]
    assert failed == [], "\n".join(lines)
    assert int(lines[-1].removeprefix("passed ")) > 0
