"""What is to become of the modules of a program."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """Which modules become one, and what keeps its name.

    `home` is the module that all resident ones become; what it imports at its top is resident by
    itself, `resident` are others. The public names of `promised` modules and of their classes
    stay, so do members called like one of `protocol`, but not what is `internal`. `importable`
    modules can be imported by their own names although they are part of a larger one, and have
    their constants. Errors of `terse` modules are raised without the texts behind their first
    argument. `spoken` are packages whose texts are for people and name no member. `rooms` are
    packages whose other modules move to shorter ones. Of the methods in `seldom` each collection
    is loaded for a call and dropped again; `finder` is the module whose `find` and `make` do it,
    from `seldom_room`. `bundles` are modules that are loaded together and become one, by its name:
    that of a room and a leaf of its own.
    """

    home: str
    resident: Collection[str] = ()
    promised: Collection[str] = ()
    importable: Collection[str] = ()
    protocol: Collection[str] = ()
    internal: Collection[str] = ()
    terse: Collection[str] = ()
    spoken: Collection[str] = ()
    rooms: Mapping[str, str] = field(default_factory=dict)
    seldom: Collection[Collection[str]] = ()
    finder: str = ""
    seldom_room: str = ""
    bundles: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Style:
    """Which steps are done; all of them unless something is measured."""

    prune: bool = True
    fold: bool = True
    locals: bool = True
    private: bool = True
    public: bool = True
    symbols: bool = True
    functions: bool = True
    hot: bool = True
    terse: bool = True
    addresses: bool = True
    part: bool = True
    bundle: bool = True
