"""Short addresses: name, path and leaf of a module stay on the heap once it was loaded."""

import ast
from collections.abc import Collection, Mapping, Sequence

from phonehome_tools.linking.naming import leaves, settled


def addresses_of(
    units: Collection[str],
    rooms: Mapping[str, str],
    kept: Collection[str],
    groups: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    """The new name of every unit in a room, and of the rooms themselves.

    `rooms` are packages with their new names; what is in `kept` stays where it is. `groups` are
    the modules that became one unit, whose name they have now.
    """
    addresses = dict(rooms)
    for short in dict.fromkeys(rooms.values()):
        inside = [
            name
            for name in units
            if rooms.get(name.rpartition(".")[0]) == short and name not in kept
        ]
        for name, leaf in settled(inside, (), leaves(len(inside))).items():
            addresses[name] = f"{short}.{leaf}"
    for unit, modules in groups.items():
        addresses |= {name: addresses.get(unit, unit) for name in modules if name != unit}
    return addresses


def _once(elements: list[ast.expr], addresses: Mapping[str, str]) -> list[ast.expr]:
    """Modules that became one are named once."""
    named: dict[str, ast.expr] = {}
    for place, element in enumerate(elements):
        text = element.value if isinstance(element, ast.Constant) else None
        address = addresses.get(text) if isinstance(text, str) else None
        named.setdefault(address or str(place), element)
    return list(named.values())


def move(units: Mapping[str, ast.Module], addresses: Mapping[str, str]) -> dict[str, ast.Module]:
    """The units at their new addresses: imports and texts that name a module follow."""
    for tree in units.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple):
                node.elts = _once(node.elts, addresses)
            if isinstance(node, ast.ImportFrom):
                node.module = addresses.get(node.module or "", node.module)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = addresses.get(node.value, node.value)
    return {addresses.get(name, name): tree for name, tree in units.items()}
