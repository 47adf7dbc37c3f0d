"""Which modules become one: the resident ones, and those that are loaded together.

Each comes behind what it imports.
"""

from collections.abc import Collection, Iterator, Mapping

from phonehome_tools.linking.errors import LinkageError
from phonehome_tools.linking.plan import Plan
from phonehome_tools.linking.program import Program


def resident_modules(program: Program, plan: Plan) -> list[str]:
    """The modules of the resident unit, imported ones before those that import them."""
    unknown = [name for name in (*plan.resident, plan.home) if name not in program.sources]
    if unknown:
        raise LinkageError(f"{unknown[0]} is to be resident: there is no such module")
    order: list[str] = []
    first = [plan.finder] if plan.finder else []  # classes have its functions
    for name in [*first, *sorted(plan.resident), plan.home]:
        order += _before(program, name, ())
    return list(dict.fromkeys(order))


def bundles_of(program: Program, plan: Plan, resident: Collection[str]) -> dict[str, list[str]]:
    """The modules of every bundle that are still there; LinkageError for one that cannot be."""
    bundles: dict[str, list[str]] = {}
    bound: dict[str, str] = {}
    for unit, members in plan.bundles.items():
        for name in members:
            if name in {*resident, *bound, *plan.promised, *plan.importable}:
                raise LinkageError(f"{name} cannot be in {unit}: it stays, or is elsewhere")
            bound[name] = unit
        order = [m for name in members if name in program.sources for m in _all(program, name)]
        bundles[unit] = [name for name in dict.fromkeys(order) if name in members]
    _expect_no_way_back(program, {**dict.fromkeys(resident, plan.home), **bound}, bundles)
    return bundles


def _all(program: Program, name: str) -> list[str]:
    return list(dict.fromkeys(_before(program, name, ())))


def _expect_no_way_back(
    program: Program, unit_of: Mapping[str, str], bundles: Collection[str]
) -> None:
    """LinkageError when a bundle would be imported while it is being imported."""
    needs: dict[str, set[str]] = {}
    for name in program.sources:
        unit = unit_of.get(name, name)
        targets = {unit_of.get(target, target) for target in _imported(program, name)}
        needs.setdefault(unit, set()).update(targets - {unit})
    for unit in bundles:
        found, wanted = set(), [*needs[unit]]
        while wanted:
            name = wanted.pop()
            if name not in found:
                found.add(name)
                wanted += needs[name]
        if unit in found:
            raise LinkageError(f"{unit} imports itself, by way of {sorted(found)}")


def _imported(program: Program, name: str) -> list[str]:
    """The modules that are imported when one is, other than as something passed on."""
    found = [program.resolve(f.target).module for f in program.sources[name].top_imports()]
    return list(dict.fromkeys(found))


def _before(program: Program, name: str, path: Collection[str]) -> Iterator[str]:
    """A module behind everything that it imports at its top."""
    if name in path:
        raise LinkageError(f"{' -> '.join([*path, name])}: these modules import each other")
    for found in program.sources[name].top_imports():
        target = program.resolve(found.target)
        for module in dict.fromkeys((found.target.module, target.module)):
            yield from _before(program, module, [*path, name])
    yield name
