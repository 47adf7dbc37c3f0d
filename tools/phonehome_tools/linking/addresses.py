"""Short addresses: name, path and leaf of a module stay on the heap once it was loaded."""

import ast
from collections.abc import Collection, Mapping

from phonehome_tools.linking.naming import leaves, settled


def addresses_of(
    units: Collection[str], rooms: Mapping[str, str], kept: Collection[str]
) -> dict[str, str]:
    """The new name of every unit in a room, and of the rooms themselves.

    `rooms` are packages with their new names; what is in `kept` stays where it is.
    """
    addresses = dict(rooms)
    for room, short in rooms.items():
        inside = [name for name in units if name.rpartition(".")[0] == room and name not in kept]
        for name, leaf in settled(inside, (), leaves(len(inside))).items():
            addresses[name] = f"{short}.{leaf}"
    return addresses


def move(units: Mapping[str, ast.Module], addresses: Mapping[str, str]) -> dict[str, ast.Module]:
    """The units at their new addresses: imports and texts that name a module follow."""
    for tree in units.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                node.module = addresses.get(node.module or "", node.module)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = addresses.get(node.value, node.value)
    return {addresses.get(name, name): tree for name, tree in units.items()}
