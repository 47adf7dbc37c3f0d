"""What stands behind a dot: private members get names of their class, others one for all."""

import ast
from collections.abc import Collection

from phonehome_tools.linking.families import Family, name_of
from phonehome_tools.linking.modules import blame
from phonehome_tools.linking.naming import member_words, method_words, settled, shared_words
from phonehome_tools.linking.program import Program
from phonehome_tools.linking.scopes import rename


def shorten_members(
    program: Program,
    families: list[Family],
    kept: Collection[str],
    *,
    methods: bool,
    public: bool,
) -> None:
    """Rename private members, with `public` also others that are not in `kept`.

    With `methods` functions too, whose names tracebacks show.
    """
    friends = _befriended(program, families)
    if public:
        _shorten_public(program, families, kept, friends, methods=methods)
    given = {node.attr for node in _attributes(program) if isinstance(node.ctx, ast.Store)}
    asked = {node.attr for node in _attributes(program) if not is_private(node.attr)}
    for family in families:
        if not family.is_foreign:
            stands_in = (
                "__getattr__" in family.members
            )  # for another, whose names it must not have
            _shorten_private(
                family, given | asked if stands_in else given, friends, methods=methods
            )


def _shorten_private(
    family: Family, given: Collection[str], friends: Collection[str], *, methods: bool
) -> None:
    """Names that are free in this family; `given` is what anybody puts into an object."""
    private = [
        name
        for name in sorted(family.members)
        if is_private(name) and name not in friends and (methods or not family.is_method(name))
    ]
    others = {
        name_of(node)
        for name, nodes in family.members.items()
        for node in nodes
        if name not in private
    }
    taken = others | {*given}
    first = family.classes[0][0]
    shown = {f"{first.module}.{first.name}.{n}": n for n in private if family.is_method(n)}
    for label, new in settled(shown, taken, method_words()).items():
        _rename(family.members[shown[label]], new)
        taken.add(new)
    words = member_words(taken)
    for name in private:
        if name not in shown.values():
            _rename(family.members[name], next(words))


def _shorten_public(
    program: Program,
    families: list[Family],
    kept: Collection[str],
    friends: Collection[str],
    *,
    methods: bool,
) -> None:
    """One new name for every public member that only our classes have."""
    foreign = {name for family in families if family.is_foreign for name in family.members}
    shown = {name for family in families for name in family.members if family.is_method(name)}
    ours = {name for family in families if not family.is_foreign for name in family.members}
    chosen = {
        name
        for name in ours - foreign - {*kept}
        if (not name.startswith("_") or name in friends) and (methods or name not in shown)
    }
    taken = {*kept} | foreign | ours
    functions = chosen & shown
    new = settled(functions, taken, shared_words(len(functions)))
    words = member_words(taken | {*new.values()})
    new |= {name: next(words) for name in sorted(chosen - shown)}
    for node in _attributes(program):
        node.attr = new.get(node.attr, node.attr)
    for family in families:
        for name in chosen & set(family.members):
            _rename(family.members[name], new[name])


def _befriended(program: Program, families: list[Family]) -> set[str]:
    """Private names that are taken from another object than `self`; LinkageError if not ours."""
    known = {id(n) for family in families for nodes in family.members.values() for n in nodes}
    ours = {name for family in families if not family.is_foreign for name in family.members}
    names = set()
    for source in program.sources.values():
        for node in ast.walk(source.module.tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr) and id(node) not in known:
                if node.attr not in ours:
                    raise blame(
                        source.module, node, f"{node.attr} is no member of a class of ours"
                    )
                names.add(node.attr)
    return names


def is_private(name: str) -> bool:
    """True for `_name`, not for `__name__`."""
    return name.startswith("_") and not name.startswith("__")


def _attributes(program: Program) -> list[ast.Attribute]:
    return [
        node
        for source in program.sources.values()
        for node in ast.walk(source.module.tree)
        if isinstance(node, ast.Attribute)
    ]


def _rename(nodes: list[ast.AST], name: str) -> None:
    for node in nodes:
        if isinstance(node, ast.Attribute):
            node.attr = name
    rename([node for node in nodes if not isinstance(node, ast.Attribute)], name)
