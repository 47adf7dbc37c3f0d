"""Methods that are seldom called: gone from their classes, and there for whoever calls them."""

import ast
import asyncio
import sys
from dataclasses import replace
from importlib.util import spec_from_loader
from types import ModuleType

import pytest

from phonehome_tools.fleet.interpreter import folder_of
from phonehome_tools.linking.building import link
from phonehome_tools.linking.device import compiled_units, link_device
from phonehome_tools.linking.errors import LinkageError
from phonehome_tools.linking.layout import text_of
from phonehome_tools.linking.lines import LineMap, write_map
from phonehome_tools.linking.plan import Plan, Style

MAIN = """
import struct
from .parts import Part, twice

class Main:
    name = "main"

    def __init__(self, first, factor=2):
        self._first = first
        self.part = Part(first, factor=factor)

    @property
    def size(self):
        return len(struct.pack("<I", self._first))

    def rare(self, by=1):
        made = [twice(number) for number in range(self._first)]
        self._first += by
        return made

    async def wait(self):
        return await self.part.later(self._first)

    def often(self):
        return self.rare(3), self.size

    def _kept(self):
        return 1

    def keep(self):
        return self._kept

class Loud(Main):
    def rare(self, by=1):
        return self.name

    def shout(self):
        return super().often()
"""
PARTS = """
def twice(number):
    return number * 2

class Part:
    def __init__(self, count, factor):
        self._count = count * factor

    async def later(self, more):
        if more < 0:
            raise ValueError("below 0")
        return self._count + more
"""
SELDOM = (
    ("app.main.Main.__init__", "app.parts.Part.__init__"),
    ("app.main.Main.rare", "app.main.Main.size", "app.main.Main.wait", "app.parts.Part.later"),
)
PLAN = Plan(
    "app.main",
    promised=("app.main",),
    seldom=SELDOM,
    finder="app.core.seldom",
    seldom_room="app.core.reporting",
)


@pytest.fixture
def sources(tmp_path):
    """A program, with the device's own finder."""
    finder = (folder_of("phonehome") / "core" / "seldom.py").read_text()
    texts = {
        "app/main.py": MAIN,
        "app/parts.py": PARTS,
        "app/core/seldom.py": finder.replace("phonehome_wire.compat", "app.compat"),
        "app/compat.py": "def const(value):\n    return value\n",
    }
    found = {}
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found[name.removesuffix(".py").replace("/", ".")] = path
    return found


def run(linked, monkeypatch):
    """Import what was linked as a board would; return its home."""
    for name in [name for name in sys.modules if name.split(".")[0] == "app"]:
        del sys.modules[name]
    for name in ("app", "app.core", "app.core.reporting"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        sys.modules[name].__path__ = []

    class Finder:
        def find_spec(self, name, _path=None, _target=None):
            if name in linked.units:
                return spec_from_loader(name, self)
            return None

        def create_module(self, _spec):
            return None

        def exec_module(self, module):
            exec(text_of(linked.units[module.__name__]), module.__dict__)

    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    __import__("app.main")
    return sys.modules["app.main"]


def loaded():
    """The modules with seldom methods that are loaded."""
    return sorted(name for name in sys.modules if name.startswith("app.core.reporting."))


def test_seldom_methods_work_like_others(sources, monkeypatch):
    """Calls, keywords, defaults, properties, coroutines and __init__ do what they did."""
    main = run(link(sources, PLAN), monkeypatch).Main(4, factor=3)
    assert main.rare() == [0, 2, 4, 6]
    assert main.often() == ([0, 2, 4, 6, 8], 4)
    assert asyncio.run(main.wait()) == 12 + 8
    assert main.rare(by=-9) and main.rare() == []
    assert main.keep()() == 1


def test_seldom_methods_leave_their_classes(sources, monkeypatch):
    """Nothing of them is in memory before a call, nor once their module was dropped again."""
    linked = link(sources, PLAN)
    home = run(linked, monkeypatch)
    assert "struct" not in ast.unparse(linked.units["app.main"])
    assert loaded() == []
    main = home.Main(4)
    assert loaded() == ["app.core.reporting.0"]
    main.rare()
    assert loaded() == ["app.core.reporting.0", "app.core.reporting.1"]
    for name in loaded():
        del sys.modules[name]
    assert not callable(vars(home.Main)["__module__"])
    assert main.often()[1] == 4 and loaded() == ["app.core.reporting.1"]


def test_derived_classes_keep_theirs(sources, monkeypatch):
    """A method of a derived class hides a seldom one, and super() finds what stayed."""
    loud = run(link(sources, PLAN), monkeypatch).Loud(2)
    assert loud.rare() == "main"
    assert loud.shout() == ("main", 4)


def test_what_nobody_has_is_missing(sources, monkeypatch):
    """An attribute that is nowhere is an AttributeError as ever."""
    main = run(link(sources, PLAN), monkeypatch).Main(2)
    assert not hasattr(main, "nothing")
    with pytest.raises(AttributeError, match="nothing"):
        main.nothing()


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ("app.main.Main.gone", "there is no such method"),
        ("app.main.Loud.rare", "its class is derived from another"),
        ("app.main.Main.often", "a derived class asks super"),
        ("app.main.Loud.shout", "its class is derived from another"),
        ("app.main.Main._kept", "its class keeps it somewhere"),
    ],
)
def test_what_must_stay_is_refused(sources, label, reason):
    """A method that would not be found, or never be dropped, stops the link with its name."""
    with pytest.raises(LinkageError, match=f"{label}.*{reason}"):
        link(sources, replace(PLAN, seldom=((label,),)))


def test_tracebacks_of_seldom_methods_are_traced_back(sources, tmp_path):
    """The map of a build has the place in the sources of each of their lines."""
    linked = link(sources, PLAN)
    write_map(tmp_path / "map.json", linked.units)
    unit = "app.core.reporting.1"
    lines = text_of(linked.units[unit]).splitlines()
    at = next(n for n, line in enumerate(lines, 1) if "below 0" in line)
    module, line, function = LineMap(tmp_path / "map.json").frame(unit, at, "x")
    assert (module, function) == ("app.parts", "Part.later")
    assert "below 0" in PARTS.splitlines()[line - 1]


def test_classes_keep_nothing_that_nobody_reads(sources):
    """What the compiler gives a class goes before its own comes, but for the finder's place."""
    classes = {
        statement.name: ast.unparse(statement.body[0])
        for statement in link(sources, PLAN).units["app.main"].body
        if isinstance(statement, ast.ClassDef)
    }
    assert classes["Loud"] == "del __qualname__, __module__"
    assert classes["Main"] == "del __qualname__"


def test_the_agent_is_smaller_for_it():
    """What is resident without parting is at least a third larger."""
    whole = compiled_units(link_device(Style(part=False)))["phonehome/agent.mpy"]
    assert len(whole) > 4 / 3 * len(compiled_units(link_device())["phonehome/agent.mpy"])
