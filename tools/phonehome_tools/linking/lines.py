"""Where each line of a unit comes from."""

import ast
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from phonehome_tools.linking.layout import can_fail, text_of
from phonehome_tools.linking.modules import origin_of

FORMAT: Final = 1
_BODIES = ("body", "handlers", "orelse", "finalbody")


def places_of(tree: ast.Module) -> list[tuple[int, str, int, str]]:
    """(line, module, line there, function there) of a unit, by its first line, ascending."""
    written = ast.parse(text_of(tree))
    places = {}
    for ours, text in zip(_statements(tree), _statements(written), strict=True):
        origin = origin_of(ours)
        if origin is not None and (text.lineno not in places or can_fail(text)):
            places[text.lineno] = (text.lineno, *origin)
    return sorted(places.values())


def _statements(node: ast.AST) -> Iterator[ast.stmt | ast.ExceptHandler]:
    """Statements and handlers in the order of the text."""
    for name in _BODIES:
        for child in getattr(node, name, []):
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                yield child
                yield from _statements(child)


def write_map(path: Path, units: Mapping[str, ast.Module]) -> None:
    """Write the map of a build, for people who read its tracebacks."""
    told = {"v": FORMAT, "units": {name: places_of(tree) for name, tree in units.items()}}
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n")


class LineMap:
    """A map that was written with a build; ValueError when the file is none."""

    def __init__(self, path: Path) -> None:
        told = json.loads(path.read_text())
        if not isinstance(told, dict) or told.get("v") != FORMAT:
            raise ValueError(f"{path}: not a map of format {FORMAT}")
        self._units: dict[str, list[list[str | int]]] = told["units"]

    def frame(self, file: str, line: int, function: str) -> tuple[str, int, str]:
        """A frame of a traceback as the sources have it; one that is not in the map stays."""
        rows = self._units.get(_unit(file))
        at = bisect_right([int(row[0]) for row in rows or []], line) - 1
        if not rows or at < 0:
            return file, line, function
        _, module, place, inner = rows[at]
        return str(module), int(place), str(inner) or "<module>"


def _unit(file: str) -> str:
    """The module of a file, which boards tell by its module or by its path."""
    name = file.removeprefix("/").removeprefix("lib/")
    for suffix in (".mpy", ".py", "/__init__"):
        name = name.removesuffix(suffix)
    return name.replace("/", ".")
