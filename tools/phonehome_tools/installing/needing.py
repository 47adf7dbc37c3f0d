"""Which parts of the agent one board needs: by its settings, its product and its application.

What nobody can tell from here is needed: a board without settings may get any, and an application
that is on the board already was compiled.
"""

import ast
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from phonehome_tools.cable.board import Board
from phonehome_tools.cable.errors import UsageError
from phonehome_tools.cable.files import read_file
from phonehome_tools.installing.bundle import LIB, NEEDED, PRODUCT_PATH, Bundle, agent_files
from phonehome_tools.packaging.parts import PARTS
from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

CONFIG_PATH: Final = "/phonehome.json"
_COMMAND_SET_CONFIG: Final = 3
# Settings that ask for nothing beside the way to the receiver.
ALONE: Final[Mapping[str, Any]] = {"console": False, "commands": []}
_PRODUCT: Final = "phonehome.Product"
_KIND_PYTHON: Final = 5  # the last of those that are in the base; device/phonehome/core/rules
_FAULTS, _KIND = 5, 5  # of a compiled product file, and of its rows
_OF_SETTINGS: Final = ("config", "console", "enrollment", "http", "mqtt", "tls")
_OF_APPLICATION: Final = ("declare", "sensors", "sleep")


def fit(board: Board, bundle: Bundle) -> Bundle:
    """The bundle without the parts that nothing on this board will ask for."""
    names = by_settings(_settings_of(board))
    names |= by_product(bundle.files.get(PRODUCT_PATH) or read_file(board, PRODUCT_PATH))
    names |= set(_OF_APPLICATION) if bundle.source is None else by_application(bundle.source)
    wanted = agent_files(",".join(sorted(names)) or "base")
    files = {
        path: data
        for path, data in bundle.files.items()
        if path in wanted or not path.startswith(f"{LIB}/")
    }
    return Bundle(files, bundle.replaced, bundle.source)


def expect_application(bundle: Bundle, words: str) -> None:
    """UsageError when `--parts` leaves out what the application imports or declares."""
    if bundle.source is None:
        return
    for name in sorted(by_application(bundle.source)):
        if not agent_files(name).keys() <= bundle.files.keys():
            raise UsageError(
                f"--parts {words}: the application uses the part {name}",
                f"--parts {NEEDED}, --parts all, or name {name} too",
            )


def lacking(settings: Mapping[str, Any], there: Collection[str]) -> list[str]:
    """Parts that settings ask for, of which some file is not among those of a board."""
    return [
        name for name in sorted(by_settings(settings)) if not agent_files(name).keys() <= {*there}
    ]


def by_settings(settings: Mapping[str, Any] | None) -> set[str]:
    """What phonehome.json asks for; all it could ask for where there is none."""
    if settings is None:
        return set(_OF_SETTINGS)
    scheme = str(settings.get("server", "")).partition("://")[0]
    commands = settings.get("commands")
    asked = {
        "config": not isinstance(commands, list) or _COMMAND_SET_CONFIG in commands,
        "console": settings.get("console") is not False,
        "enrollment": bool(settings.get("claim")),
        "http": scheme in {"http", "https"},
        "mqtt": scheme in {"mqtt", "mqtts"},
        "tls": scheme in {"https", "mqtts"},
    }
    return {name for name, is_asked in asked.items() if is_asked}


def by_product(compiled: bytes | None) -> set[str]:
    """What the rules of a compiled product ask for."""
    if compiled is None:
        return {"rules"}
    try:
        rows = decode(compiled)[_FAULTS]
        return {"rules"} if any(row[_KIND] > _KIND_PYTHON for row in rows) else set()
    except (WireError, LookupError, TypeError):
        return {"rules"}  # the agent says what is wrong with it


def by_application(text: str) -> set[str]:
    """What an application imports of the agent, or declares."""
    tree, found = ast.parse(text), set()
    owner = {module: name.partition("-")[2] for name in PARTS for module in PARTS[name].modules}
    owner[_PRODUCT] = "declare"
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.Attribute) and node.attr == "Product":
            names = [_PRODUCT]
        found |= {owner[name] for name in names if name in owner}
    return found


def _settings_of(board: Board) -> Mapping[str, Any] | None:
    try:
        settings = json.loads(read_file(board, CONFIG_PATH) or b"")
    except ValueError:
        return None
    return settings if isinstance(settings, dict) else None
