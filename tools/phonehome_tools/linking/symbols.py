"""The names of what modules define: unique where they meet, short where nobody outside looks."""

import ast
import builtins
from collections.abc import Collection, Mapping, Sequence

from phonehome_tools.linking.families import families_of
from phonehome_tools.linking.naming import (
    apart_words,
    global_words,
    seldom_words,
    settled,
    shared_words,
)
from phonehome_tools.linking.plan import Plan, Style
from phonehome_tools.linking.program import Program, Source, Symbol


def name_symbols(
    program: Program,
    groups: Mapping[str, Sequence[str]],
    plan: Plan,
    style: Style,
    unique: Collection[Symbol] = (),
) -> dict[Symbol, str]:
    """A final name for every symbol, as short as what is promised and `style` allow.

    `groups` are the modules of each unit of more than one, that of the home with them. `unique`
    are classes that the program tells apart by their names, in whatever module they are.
    """
    resident = groups[plan.home]
    namer = _Namer(program, resident, plan, style)
    if style.symbols:
        namer.name_apart(unique)
    namer.name_unit(resident, ())
    others = [name for name in program.sources if name not in resident]
    shared = {
        program.resolve(found.target)
        for name in others
        for found in program.sources[name].top_imports()
    }
    outer = [symbol for symbol in sorted(shared) if symbol.module not in resident]
    namer.name_all(outer, others, is_shared=True)
    bundles = [modules for unit, modules in groups.items() if unit != plan.home]
    bound = {name for modules in bundles for name in modules}
    for modules in [*bundles, *([name] for name in others if name not in bound)]:
        imported = [
            program.resolve(found.target)
            for name in modules
            for found in program.sources[name].top_imports()
        ]
        known = [s for s in imported if s in namer.names and s.module not in modules]
        namer.name_unit(modules, [namer.names[s] for s in known])
    return namer.names


class _Namer:
    """Hands out names; `names` is what every symbol got."""

    def __init__(
        self, program: Program, resident: Sequence[str], plan: Plan, style: Style
    ) -> None:
        self._program = program
        self._resident = resident
        self._plan = plan
        self._style = style
        self._exceptions = {
            symbol
            for family in families_of(program)
            for symbol, _ in family.classes
            if family.is_foreign
        }
        self.names: dict[Symbol, str] = {}
        self._apart: set[str] = set()

    def name_apart(self, symbols: Collection[Symbol]) -> None:
        """Give names that nothing else has."""
        labels = {f"{s.module}.{s.name}": s for s in symbols if not self._is_promised(s)}
        for label, name in settled(labels, (), apart_words(len(labels))).items():
            self.names[labels[label]] = name
        self._apart = set(self.names.values())

    def name_unit(self, modules: Sequence[str], imported: Collection[str]) -> None:
        """Name what these modules define; they become one."""
        symbols = [
            Symbol(module, name)
            for module in modules
            for name in sorted(defined_in(self._program.sources[module]))
        ]
        taken = {*imported, *(self.names[s] for s in symbols if s in self.names)}
        mine = [s for s in symbols if s not in self.names]
        self.name_all(mine, modules, taken, is_shared=modules == self._resident)

    def name_all(
        self,
        symbols: Sequence[Symbol],
        modules: Sequence[str],
        taken: Collection[str] = (),
        *,
        is_shared: bool = False,
    ) -> None:
        """Name symbols apart from each other and from what the modules use of outside.

        Those that are shared are named in other modules as well.
        """
        used = {*taken, *self._apart}
        for module in modules:
            used |= outside_of(self._program.sources[module])
        for symbol in symbols:
            if self._is_kept(symbol):
                self.names[symbol] = self._unlike(symbol.name, used)
                used.add(self.names[symbol])
        rest = [symbol for symbol in symbols if symbol not in self.names]
        shown = {f"{s.module}.{s.name}": s for s in rest if self._is_function(s)}
        draw = shared_words if is_shared else seldom_words
        for label, name in settled(shown, used, draw(len(shown))).items():
            self.names[shown[label]] = name
            used.add(name)
        words = global_words(used)
        for symbol in rest:
            if symbol not in self.names:
                self.names[symbol] = next(words)

    def _is_kept(self, symbol: Symbol) -> bool:
        if not self._style.symbols or symbol in self._exceptions or self._is_promised(symbol):
            return True
        if symbol.name.startswith("__"):
            return True
        return not self._style.functions and self._is_function(symbol)

    def _is_promised(self, symbol: Symbol) -> bool:
        """True for what a program imports from the unit it is in: for others there is a shim."""
        if symbol.name.startswith("_") or symbol.module not in self._plan.promised:
            return False
        return symbol.module == self._plan.home or symbol.module not in self._resident

    def _is_function(self, symbol: Symbol) -> bool:
        tree = self._program.sources[symbol.module].module.tree
        return any(
            isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef) and s.name == symbol.name
            for s in tree.body
        )

    def _unlike(self, name: str, used: Collection[str]) -> str:
        if name not in used and not hasattr(builtins, name):
            return name
        return next(f"{name}_{n}" for n in range(2, 1000) if f"{name}_{n}" not in used)


def defined_in(source: Source) -> set[str]:
    """What a module defines itself."""
    return {
        name
        for name in source.scope.bound
        if not any(isinstance(node, ast.alias) for node in source.uses(name))
    }


def outside_of(source: Source) -> set[str]:
    """Names that mean something else in a module: built in, or imported from elsewhere."""
    ours = {found.local for found in source.top_imports()}
    return {
        name for name in source.scope.uses if name not in ours and name not in defined_in(source)
    }
