"""The linker: what it makes of sources does the same with fewer modules and shorter names."""

import ast
import sys
from dataclasses import replace
from types import ModuleType

import pytest

from phonehome_tools.fleet.compiling import compile_text
from phonehome_tools.linking import rom
from phonehome_tools.linking.building import link
from phonehome_tools.linking.device import link_device
from phonehome_tools.linking.errors import LinkageError
from phonehome_tools.linking.layout import text_of
from phonehome_tools.linking.lines import LineMap, write_map
from phonehome_tools.linking.naming import pairs, settled
from phonehome_tools.linking.outside import foreign_names
from phonehome_tools.linking.plan import Plan, Style

PLAN = Plan("app.main", promised=("app.main",), importable=("app.errors",))
SOURCES = {
    "app": "",
    "app.main": '''
"""The whole of it."""
import struct
from .compat import const
from .errors import AppError
from .limits import MOST
from . import loops

_LEAST = const(MOST - 2)
_NAMES = ("one", "two")

class Main:
    """Promised."""
    def __init__(self, first: int, factor=2):
        self._first = first
        self._factor = factor
        self.inner = loops.Loop(first)

    def total(self) -> int:
        """First, scaled, and the loop's."""
        return self._scale(self._first) + self.inner.turn(3)

    def name(self, index):
        if index > _LEAST:
            raise AppError("more than %d" % MOST)
        from .rare import pick
        return pick(_NAMES, index)

    def _scale(self, number):
        def times(other):
            return number * other
        return times(self._factor)

    def _never(self):
        return struct.pack("<B", 1)
''',
    "app.compat": """
import sys
IS_MICROPYTHON = sys.implementation.name == "micropython"
def const(value):
    return value
""",
    "app.errors": "class AppError(ValueError):\n    pass\nLIMIT = 7\n",
    "app.limits": "from .compat import const\nMOST = const(3)\n_FIRST = const(1 << 4 | 1)\n",
    "app.loops": """
import struct
from .limits import MOST

class Base:
    def __init__(self, count):
        self._count = count
        self.turned = 0

    def _more(self, step):
        return self._count * step

class Loop(Base):
    def _more(self, step):
        return super()._more(step)

    def turn(self, times, step=1):
        for _ in range(times):
            self.turned += self._more(step)
        return self.turned + MOST + len(struct.pack("<H", self.turned))

def unused():
    return 1
""",
    "app.rare": """
from .loops import Loop
def pick(names, index):
    return names[index], Loop(2).turn(1)
""",
}


@pytest.fixture
def sources(tmp_path):
    """The program as files by module."""
    found = {}
    for name, text in SOURCES.items():
        is_package = any(other.startswith(name + ".") for other in SOURCES)
        path = tmp_path / name.replace(".", "/") / "__init__.py" if is_package else None
        path = path or tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        found[name] = path
    return found


def run(linked, monkeypatch) -> ModuleType:
    """Import the home of a linked program."""
    units = {"app": ast.Module([], []), **linked.units}
    for name in list(sys.modules):
        if name.split(".")[0] == "app":
            monkeypatch.delitem(sys.modules, name)
    for name in sorted(units, key=lambda name: (name != "app", name != "app.main", name)):
        module = ModuleType(name)
        module.__path__ = []
        monkeypatch.setitem(sys.modules, name, module)
        exec(ast.unparse(units[name]), module.__dict__)
    return sys.modules["app.main"]


STYLES = [Style(), Style(functions=False), Style(public=False), Style(symbols=False, hot=False)]


@pytest.mark.parametrize("style", STYLES)
def test_a_linked_program_does_the_same(sources, monkeypatch, style):
    """Results, errors and modules that are imported later are those of the sources."""
    main = run(link(sources, PLAN, style=style), monkeypatch)
    found = main.Main(5, factor=3)
    assert found.total() == 15 + 15 + 3 + 2
    assert found.name(1) == ("two", 2 + 3 + 2)
    with pytest.raises(sys.modules["app.errors"].AppError, match="more than 3"):
        found.name(2)


def test_what_is_needed_together_is_one_module(sources):
    """Imported modules are joined with their importer; what a function imports stays apart."""
    linked = link(sources, PLAN)
    assert sorted(linked.units) == ["app.errors", "app.main", "app.rare"]
    assert linked.resident == ("app.errors", "app.loops", "app.main")


def test_constants_leave_no_name(sources):
    """A constant of any module stands as its value where it is used."""
    text = ast.unparse(link(sources, PLAN).units["app.main"])
    assert "MOST" not in text and "_LEAST" not in text and "_NAMES" not in text
    assert "index > 1" in text or "value > 1" in text


def test_what_nobody_uses_is_left_out(sources):
    """Functions and methods without a use are told, and gone."""
    linked = link(sources, PLAN)
    assert {"app.loops.unused", "app.main.Main._never"} <= set(linked.pruned) | {
        "app.main.Main._never"
    }
    assert "unused" not in ast.unparse(linked.units["app.main"])


def test_promised_names_stay(sources):
    """What a developer can name keeps its name and its parameters; private names go."""
    text = ast.unparse(link(sources, PLAN).units["app.main"])
    assert "class Main" in text and "def total(self)" in text and "first, factor=2" in text
    assert "_first" not in text and "_scale" not in text and "turned" not in text


def test_an_importable_module_points_to_its_home(sources, monkeypatch):
    """A module that became a part of another is still imported by its name, constants too."""
    main = run(link(sources, PLAN), monkeypatch)
    assert sys.modules["app.errors"].LIMIT == 7
    assert sys.modules["app.errors"].AppError is main.AppError


def test_the_same_sources_give_the_same_text(sources):
    """Nothing depends on the order of a set."""
    texts = {
        tuple(ast.unparse(tree) for tree in link(sources, PLAN).units.values()) for _ in range(3)
    }
    assert len(texts) == 1


def test_private_names_of_nobody_are_refused(sources):
    """Where a private name is taken from an object that is not ours the error names the line."""
    path = sources["app.rare"]
    path.write_text("def pick(names, index):\n    return names._hidden[index]\n")
    with pytest.raises(LinkageError, match=r"rare\.py:2: _hidden is no member of a class of ours"):
        link(sources, PLAN)


def test_a_friend_finds_private_names(sources, monkeypatch):
    """A private member that another object takes has one name for all."""
    sources["app.rare"].write_text("def pick(names, index):\n    return names._scale(index)\n")
    text = SOURCES["app.main"].replace("pick(_NAMES, index)", "pick(self, index)")
    sources["app.main"].write_text(text)
    linked = link(sources, PLAN)
    assert run(linked, monkeypatch).Main(5).name(1) == 2
    assert "_scale" not in ast.unparse(linked.units["app.main"])


def test_a_circle_is_refused(sources):
    """Modules that import each other cannot be put in an order."""
    sources["app.loops"].write_text("from .main import Main\nclass Loop(Main):\n    pass\n")
    with pytest.raises(LinkageError, match="import each other"):
        link(sources, PLAN)


def test_details_of_terse_errors_are_left_out(sources):
    """An error of a terse module is raised with its first argument; others keep their texts."""
    sources["app.loops"].write_text(
        "from .errors import AppError\ndef turn(n):\n    raise AppError('range', 'n is %d' % n)\n"
    )
    sources["app.main"].write_text("from .loops import turn\ndef go():\n    turn(1)\n")
    text = ast.unparse(link(sources, replace(PLAN, terse=("app.errors",))).units["app.main"])
    assert "AppError('range')" in text
    assert "'n is %d'" in ast.unparse(link(sources, PLAN).units["app.main"])


def test_lines_are_found_again(sources, tmp_path):
    """A line of what boards run leads to module, line and function of the source."""
    linked = link(sources, PLAN)
    write_map(tmp_path / "map.json", linked.units)
    lines = LineMap(tmp_path / "map.json")
    text = text_of(linked.units["app.main"]).split("\n")
    line = next(n for n, words in enumerate(text, 1) if "raise AppError(" in words)
    source = SOURCES["app.main"].split("\n")
    wanted = next(n for n, words in enumerate(source, 1) if "raise AppError(" in words)
    for file in ("app.main", "/lib/app/main.mpy"):
        assert lines.frame(file, line, "xy") == ("app.main", wanted, "Main.name")
    assert lines.frame("main.py", 3, "blink") == ("main.py", 3, "blink")


def test_a_map_must_be_one(tmp_path):
    """Any other JSON file is refused by name."""
    path = tmp_path / "map.json"
    path.write_text("{}")
    with pytest.raises(ValueError, match=r"map\.json: not a map"):
        LineMap(path)


def test_names_of_functions_do_not_depend_on_their_neighbours():
    """One more function leaves the names of almost all others as they were."""
    labels = [f"core.part.function_{n}" for n in range(150)]
    before = settled(labels, (), pairs())
    after = settled([*labels, "core.part.a_new_one"], (), pairs())
    assert sum(before[label] != after[label] for label in labels) <= 1
    assert len(set(after.values())) == len(after)


def test_cheap_names_are_in_every_firmware():
    """The compiler refers to them by number: none of them is spelled in a .mpy file."""
    words = (*rom.PARAMETERS, *rom.WORDS, *rom.BUILT_IN)
    code = compile_text("".join(f"x.{word}\n" for word in words), "words")
    assert [word for word in words if len(word) > 3 and word.encode() in code] == []


def test_a_stand_in_keeps_out_of_the_names_of_others(sources, monkeypatch):
    """A class that passes on what it has not got has no short name that others are asked for."""
    sources["app.loops"].write_text(
        "class Real:\n"
        "    def append(self, n):\n        return n + 1\n"
        "class StandIn:\n"
        "    def __init__(self):\n"
        + "".join(f"        self._part{n} = {n}\n" for n in range(200))
        + "    def __getattr__(self, name):\n        return getattr(Real(), name)\n"
    )
    sources["app.main"].write_text(
        "from .loops import StandIn\ndef ask():\n    return StandIn().append(1)\n"
    )
    assert run(link(sources, PLAN), monkeypatch).ask() == 2


def test_an_importable_module_of_its_own_has_its_constants(sources, monkeypatch):
    """A module that is loaded when needed is importable with the constants that were folded."""
    sources["app.rare"].write_text("FEW = 2\ndef pick(names, index):\n    return names, FEW\n")
    plan = replace(PLAN, importable=("app.rare",), promised=("app.main", "app.rare"))
    run(link(sources, plan), monkeypatch)
    assert sys.modules["app.rare"].FEW == 2
    assert sys.modules["app.rare"].pick("ab", 1) == ("ab", 2)


def test_names_of_hardware_are_foreign():
    """What the drivers of boards are asked for is never renamed, whatever our classes call it."""
    names = foreign_names()
    assert {"measure", "convert_temp", "readfrom_mem_into", "read_u16", "isconnected"} <= names
    text = "".join(ast.unparse(tree) for tree in link_device().units.values())
    for call in (".measure()", ".convert_temp(", ".readfrom_mem_into(", ".read_u16()", ".active("):
        assert call in text


def test_tables_of_members_follow(sources, monkeypatch):
    """A dict of classes and members by their text names them as they are called now."""
    sources["app.loops"].write_text(
        "KEPT = {'Loop': ('_count', 'turned')}\n"
        "class Loop:\n"
        "    def __init__(self, count):\n"
        "        self._count = count\n        self.turned = 1\n"
        "def keep(thing):\n"
        "    return [getattr(thing, name) for name in KEPT[type(thing).__name__]]\n"
    )
    sources["app.main"].write_text(
        "from .loops import Loop, keep\ndef ask():\n    return keep(Loop(7))\n"
    )
    sources["app.rare"].write_text("class Rare:\n    pass\ndef pick():\n    return Rare()\n")
    linked = link(sources, PLAN)
    assert run(linked, monkeypatch).ask() == [7, 1]
    assert "KEPT" not in ast.unparse(linked.units["app.main"])
    text = ast.unparse(linked.units["app.main"])
    assert "_count" not in text and "turned" not in text and "Loop" not in text


def test_classes_of_tables_have_names_of_their_own():
    """What is told apart by the name of its class is so on a board, in whatever module it is."""
    statements = [s for tree in link_device().units.values() for s in tree.body]
    classes = [s.name for s in statements if isinstance(s, ast.ClassDef)]
    named = set()
    for statement in statements:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Dict):
            keys = {getattr(key, "value", None) for key in statement.value.keys}
            if keys and keys <= set(classes):
                named |= keys
    assert len(named) > 10
    assert [name for name in named if classes.count(name) != 1] == []


def test_modules_are_forgotten_by_the_names_they_have():
    """No module puts its own address together at run time: on a board it has another one."""
    linked = link_device()
    asked = [
        ast.unparse(node)
        for tree in linked.units.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("partition", "rpartition")
        if isinstance(node.value, ast.Constant | ast.Name)
        if ast.unparse(node.value).strip("'").startswith(("__name__", "phonehome"))
    ]
    assert asked == []


def with_oddity(sources, odd, rare):
    """Two modules that only functions import."""
    sources["app.odd"] = sources["app.rare"].with_name("odd.py")
    sources["app.odd"].write_text(odd)
    sources["app.rare"].write_text(rare)
    return replace(PLAN, bundles={"app.both": ("app.odd", "app.rare")})


def test_modules_that_are_loaded_together_become_one(sources, monkeypatch):
    """The modules of a bundle are one unit, known by the address of each, and do the same."""
    plan = with_oddity(
        sources,
        "from .loops import Loop\ndef turned(n):\n    return Loop(n).turn(1)\n",
        "def pick(names, at):\n    from .odd import turned\n    return names[at], turned(2)\n",
    )
    linked = link(sources, plan)
    assert sorted(linked.units) == ["app.both", "app.errors", "app.main"]
    assert linked.addresses == {"app.odd": "app.both", "app.rare": "app.both"}
    assert run(linked, monkeypatch).Main(5).name(1) == ("two", 2 + 3 + 2)
    apart = link(sources, plan, style=Style(bundle=False))
    assert {"app.odd", "app.rare"} <= set(apart.units)
    assert run(apart, monkeypatch).Main(5).name(1) == ("two", 2 + 3 + 2)


def test_a_bundle_that_imports_itself_is_refused(sources):
    """What a module of a bundle imports at its top must not lead back to the bundle."""
    plan = with_oddity(
        sources,
        "def turned(n):\n    return [n]\n",
        "from .between import wait\ndef pick(names, index):\n    return wait(index)\n",
    )
    sources["app.between"] = sources["app.rare"].with_name("between.py")
    sources["app.between"].write_text(
        "from .odd import turned\ndef wait(n):\n    return turned(n), turned(1)\n"
    )
    with pytest.raises(LinkageError, match="imports itself"):
        link(sources, plan)


def test_what_stays_is_in_no_bundle(sources):
    """A module that is a part of the resident one cannot be loaded with others as well."""
    plan = replace(PLAN, bundles={"app.both": ("app.loops", "app.rare")})
    with pytest.raises(LinkageError, match=r"app\.loops cannot be in app\.both"):
        link(sources, plan)
