"""Imports go one way: a room knows only the rooms below it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = {
    "phonehome",
    "phonehome_wire",
    "phonehome_product",
    "phonehome_cloud",
    "phonehome_tools",
    "phonehome_sim",
}

# folder -> what of ours its files may import; the longest matching folder decides.
ALLOWED = {
    "shared/phonehome_wire": {"phonehome_wire"},
    "shared/phonehome_product": {"phonehome_product", "phonehome_wire"},
    "device/phonehome": {"phonehome", "phonehome_wire"},
    "device/phonehome/core": {"phonehome.core", "phonehome_wire"},
    "device/phonehome/ports": {"phonehome.ports", "phonehome.core", "phonehome_wire"},
    "device/phonehome/console": {"phonehome.console", "phonehome.core", "phonehome_wire"},
    "device/phonehome/tasks": {"phonehome.tasks", "phonehome.core", "phonehome_wire"},
    "cloud/phonehome_cloud": {"phonehome_cloud", "phonehome_wire", "phonehome_product"},
    "cloud/phonehome_cloud/core": {
        "phonehome_cloud.core",
        "phonehome_cloud.errors",
        "phonehome_wire",
        "phonehome_product",
    },
    "cloud/phonehome_cloud/store": {
        "phonehome_cloud.store",
        "phonehome_cloud.core",
        "phonehome_cloud.errors",
        "phonehome_wire",
    },
    "tools/phonehome_tools": {
        "phonehome_tools",
        "phonehome_sim.models",
        "phonehome_wire",
        "phonehome_product",
    },
    # The one tool that runs the receiver's own rules: a year of tickets over the API would take
    # days, and a copy of the rules would prove nothing. Pure core only: no store, web or worker.
    "tools/phonehome_tools/service_world": {
        "phonehome_tools.service_world",
        "phonehome_cloud.core.diagnosing",
        "phonehome_cloud.core.deciding",
        "phonehome_cloud.core.visiting",
        "phonehome_product",
        "phonehome_wire",
    },
    "tools/phonehome_sim": {"phonehome_sim", "phonehome", "phonehome_wire"},
}


def sources() -> list[str]:
    """Every source file of the rooms."""
    return sorted(
        str(path.relative_to(ROOT))
        for room in (
            "shared",
            "device/phonehome",
            "cloud",
            "tools/phonehome_tools",
            "tools/phonehome_sim",
        )
        for path in (ROOT / room).rglob("*.py")
    )


def module_name(file: str) -> str:
    """The dotted name of a source file, without the room's folder."""
    parts = Path(file).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file: str) -> set[str]:
    """The dotted names of our modules that a file imports, relative ones made absolute."""
    package = module_name(file).split(".")
    if not file.endswith("__init__.py"):
        package = package[:-1]
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, node.module] if node.module else base)
            names |= {f"{stem}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in OURS}


def allowed(file: str) -> set[str]:
    """What a file may import, by the longest folder that has a rule."""
    folder = max((f for f in ALLOWED if file.startswith(f + "/")), key=len)
    return ALLOWED[folder]


@pytest.mark.parametrize("file", sources())
def test_imports_go_one_way(file):
    """A file imports only from its own room and the rooms below it."""
    may = allowed(file)
    wrong = [n for n in imported(file) if not any(n == a or n.startswith(a + ".") for a in may)]
    assert wrong == []


def test_only_the_joining_files_join():
    """Ports, store, tasks and web meet in the files of each half that join them."""
    joiners = {
        "device/phonehome/agent.py",
        "device/phonehome/assembly.py",
        "device/phonehome/contacting.py",
        "device/phonehome/conversing.py",
        "device/phonehome/rekey.py",
        "device/phonehome/sleeper.py",
        "device/phonehome/voice.py",
        "cloud/phonehome_cloud/app.py",
        "cloud/phonehome_cloud/service.py",
    }
    inner = {
        "device/phonehome": {"phonehome.ports", "phonehome.tasks"},
        "cloud/phonehome_cloud": {"phonehome_cloud.web", "phonehome_cloud.workers"},
    }
    for file in sources():
        room = next((r for r in inner if file.startswith(r + "/")), None)
        if room is None or file in joiners:
            continue
        rooms = {r for r in inner[room] for n in imported(file) if n.startswith(r + ".")}
        own = ".".join(module_name(file).split(".")[:2])
        assert rooms - {own} == set(), f"{file} joins {rooms}"
