"""Which modules become one: the resident ones, each with what it imports before it."""

from collections.abc import Collection, Iterator

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


def _before(program: Program, name: str, path: Collection[str]) -> Iterator[str]:
    """A module behind everything that it imports at its top."""
    if name in path:
        raise LinkageError(f"{' -> '.join([*path, name])}: these modules import each other")
    for found in program.sources[name].top_imports():
        target = program.resolve(found.target)
        for module in dict.fromkeys((found.target.module, target.module)):
            yield from _before(program, module, [*path, name])
    yield name
