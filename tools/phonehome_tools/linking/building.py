"""The whole way: sources in, the few modules that boards load out."""

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phonehome_tools.linking.addresses import addresses_of, move
from phonehome_tools.linking.classes import drop_given
from phonehome_tools.linking.constants import fold, literal
from phonehome_tools.linking.families import families_of
from phonehome_tools.linking.hotnames import put_hot_names_first
from phonehome_tools.linking.locals import shorten_locals
from phonehome_tools.linking.members import shorten_members
from phonehome_tools.linking.merging import merge, tidy
from phonehome_tools.linking.modules import read_modules
from phonehome_tools.linking.outside import (
    foreign_names,
    keywords_in,
    keywords_of,
    named_in,
    promised_members,
    spoken_in,
    texts_of,
)
from phonehome_tools.linking.parting import Finder, part
from phonehome_tools.linking.plan import Plan, Style
from phonehome_tools.linking.program import Program, Symbol, name_members
from phonehome_tools.linking.pruning import prune
from phonehome_tools.linking.symbols import defined_in, name_symbols
from phonehome_tools.linking.tables import follow, rows_of, texts_in
from phonehome_tools.linking.texts import drop_details
from phonehome_tools.linking.units import bundles_of, resident_modules

ALL = Style()


@dataclass(frozen=True)
class Linked:
    """What boards load: the trees of units by their dotted names.

    `addresses` has the new name of every module that moved.
    """

    units: Mapping[str, ast.Module]
    resident: tuple[str, ...]
    pruned: tuple[str, ...]
    addresses: Mapping[str, str]


def link(
    sources: Mapping[str, Path],
    plan: Plan,
    outside: Collection[Path] = (),
    style: Style = ALL,
) -> Linked:
    """Link modules by dotted name; `outside` are programs that use them."""
    program = Program(read_modules(sources))
    name_members(program)
    public = {
        name: sorted(n for n in defined_in(program.sources[name]) if not n.startswith("_"))
        for name in plan.importable
    }
    if style.terse:
        drop_details(program, plan.terse)
    constants = fold(program) if style.fold else {}
    rows = rows_of(program, families_of(program))
    outer = named_in(outside) | promised_members(program, plan) | foreign_names()
    told = texts_in(rows) | spoken_in(program, plan.spoken)
    kept = outer | texts_of(program, told) | keywords_of(program)
    pruned = prune(program, {*plan.promised, plan.finder}, kept) if style.prune else []
    kept = outer | texts_of(program, told) | keywords_of(program)  # of what is left
    resident = resident_modules(program, plan)
    bundles = bundles_of(program, plan, resident) if style.bundle and style.addresses else {}
    groups = {plan.home: resident, **bundles}
    if style.locals:
        shorten_locals(program, plan, keywords_in(outside))
    families = families_of(program)
    if style.private:
        shorten_members(program, families, kept, methods=style.functions, public=style.public)
    names = name_symbols(program, groups, plan, style, [row.symbol for row in rows])
    follow(rows, families, names)
    units = merge(program, groups, names)
    for name in plan.importable:
        shim = _shim(name, public[name], names if name in resident else {}, plan.home, constants)
        if name in units:
            shim.body += units[name].body
        units[name] = shim
    units = {name: tidy(ast.fix_missing_locations(tree)) for name, tree in units.items()}
    addresses = {}
    if style.addresses:
        stays = {*plan.promised, *plan.importable}
        addresses = addresses_of(units, plan.rooms, stays, bundles)
        units = move(units, addresses)
    _take_apart(units, plan, style, names, addresses)
    return Linked(units, tuple(resident), tuple(pruned), addresses)


def _take_apart(
    units: dict[str, ast.Module],
    plan: Plan,
    style: Style,
    names: Mapping[Symbol, str],
    addresses: Mapping[str, str],
) -> None:
    """What is done to classes and names once these are what they stay."""
    if style.part and plan.finder:
        find, make = (names[Symbol(plan.finder, name)] for name in ("find", "make"))
        room = addresses.get(plan.seldom_room, plan.seldom_room)
        part(units, plan.seldom, Finder(plan.home, find, make, room))
    for tree in units.values():
        drop_given(tree)
    if style.hot:
        put_hot_names_first(units[plan.home])
        ast.fix_missing_locations(units[plan.home])


def _shim(
    module: str,
    public: list[str],
    names: Mapping[Symbol, str],
    home: str,
    constants: Mapping[Symbol, Any],
) -> ast.Module:
    """What is left of an importable module: where its names are now, and its constants."""
    body: list[ast.stmt] = []
    for name in public:
        symbol = Symbol(module, name)
        if symbol in names:
            alias = ast.alias(names[symbol], None if names[symbol] == name else name)
            body.append(ast.ImportFrom(home, [alias], 0))
        elif symbol in constants:
            target = ast.Name(name, ast.Store())
            body.append(ast.Assign([target], literal(constants[symbol])))
    return ast.Module(body, [])
