"""The agent as boards load it: every source of the device found, linked and compiled."""

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from phonehome_tools.fleet.compiling import compile_text, module_name
from phonehome_tools.fleet.interpreter import folder_of
from phonehome_tools.linking.building import ALL, Linked, link
from phonehome_tools.linking.bundles import BUNDLES
from phonehome_tools.linking.layout import text_of
from phonehome_tools.linking.modules import Module, read_module
from phonehome_tools.linking.plan import Plan, Style
from phonehome_tools.linking.program import absolute
from phonehome_tools.linking.promises import (
    IMPORTABLE,
    INTERNAL,
    LINK,
    PROMISED,
    ROOMS,
    SPOKEN,
    TERSE,
)
from phonehome_tools.linking.resident import HOME, RESIDENT
from phonehome_tools.linking.seldom import FINDER, ROOM, SELDOM

AGENT, WIRE, OUTSIDE = "phonehome", "phonehome_wire", "phonehome_sim"


@cache
def link_device(style: Style = ALL, also: tuple[str, ...] = ()) -> Linked:
    """Link the agent; `also` are modules that keep their names for the program that asks."""
    outside = sorted(folder_of(OUTSIDE).rglob("*.py"))
    importable = tuple(dict.fromkeys((*IMPORTABLE, *also)))
    promised = tuple(dict.fromkeys((*PROMISED, *also)))
    plan = Plan(
        HOME,
        tuple(RESIDENT),
        promised,
        importable,
        LINK,
        INTERNAL,
        TERSE,
        SPOKEN,
        ROOMS,
        [methods_of(table) for table in SELDOM.values()],
        FINDER,
        ROOM,
        {unit: [name for name in names if name not in also] for unit, names in BUNDLES.items()},
    )
    return link(device_sources(also), plan, outside, style)


def device_sources(also: Collection[str] = ()) -> dict[str, Path]:
    """The modules of the agent, and of the wire what they import."""
    found = dict(_modules_of(AGENT))
    wire = dict(_modules_of(WIRE))
    wanted = [*found, *also]
    while wanted:
        name = wanted.pop()
        path = found.get(name) or wire[name]
        found[name] = path
        imported = imported_by(read_module(name, path), wire)
        wanted += [target for target in imported if target not in found]
    return found


def compiled_units(linked: Linked) -> dict[str, bytes]:
    """Every unit as .mpy, by its path below /lib."""
    return {
        path_of(name): compile_text(text_of(tree), name) for name, tree in linked.units.items()
    }


def methods_of(table: Mapping[str, str]) -> list[str]:
    """`module.Class.method` for every method of a table by its class."""
    return [f"{owner}.{name}" for owner, names in table.items() for name in names.split()]


def path_of(name: str) -> str:
    """Where a unit is installed."""
    is_package = name == AGENT
    return name.replace(".", "/") + ("/__init__.mpy" if is_package else ".mpy")


def _modules_of(package: str) -> Iterator[tuple[str, Path]]:
    folder = folder_of(package)
    for path in sorted(folder.rglob("*.py")):
        yield module_name(path.relative_to(folder.parent)), path


def imported_by(module: Module, known: Mapping[str, Path]) -> Iterator[str]:
    """Which of the known modules a source imports, anywhere in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            for name in (base, *(f"{base}.{alias.name}" for alias in node.names)):
                if name in known:
                    yield name
