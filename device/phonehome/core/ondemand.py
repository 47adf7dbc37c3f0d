"""Modules that are imported when needed and dropped again: code is most of what heap holds."""

import sys

from phonehome_wire.compat import IS_MICROPYTHON

_WIRE = "phonehome_wire"
_RESIDENT = ("compat", "errors", "metrics")  # of the wire: something that stays refers to them
_CORE = __name__.rpartition(".")[0]
_REPORTING = _CORE + ".reporting"
_SELDOM = (
    _CORE + ".building",
    _CORE + ".checks",
    _CORE + ".commands",
    _CORE + ".events",
    _CORE + ".faultfile",
    _CORE + ".faultlife",
    _CORE + ".hands",
    _CORE + ".lastwords",
    _CORE + ".linkkeys",
    _CORE + ".logcommands",
    _CORE + ".outbox",
    _CORE + ".phases",
    _CORE + ".pushed",
    _CORE + ".pushing",
    _CORE + ".rarekinds",
    _CORE + ".recordhead",
    _CORE + ".resending",
    _CORE + ".shelving",
    _CORE + ".trial",
    _CORE + ".tuning",
    _CORE.rpartition(".")[0] + ".ports.framing",
    _CORE.rpartition(".")[0] + ".ports.packets",
    _CORE.rpartition(".")[0] + ".ports.segments",
)

# What the linker makes has all of these in the room `reporting`, and knows that here is True.
IS_LINKED = bool(0)

_resting = [0]  # how many modules there were when nothing was left to drop


def forget(*names: str) -> None:
    """Drop modules by their full names; the next import loads them again from flash.

    To be called when nothing that lives on refers to their functions.
    """
    _resting[0] = 0
    for name in names:
        if sys.modules.pop(name, None) is not None:
            room, _, leaf = name.rpartition(".")
            if room:
                delattr(sys.modules[room], leaf)


def rest() -> None:
    """Drop what only speaking to the receiver, and storing for it, needs.

    To be called where nothing is half said: before a wait. It costs nothing when nothing was
    loaded. On a computer memory is no matter, and others may use the wire there.
    """
    if not IS_MICROPYTHON or len(sys.modules) == _resting[0]:
        return
    for name in list(sys.modules):
        room, _, leaf = name.rpartition(".")
        is_seldom = room == _REPORTING
        if not IS_LINKED:
            is_of_wire = room == _WIRE and leaf not in _RESIDENT
            is_seldom = is_seldom or is_of_wire or name in _SELDOM
        if is_seldom:
            forget(name)
    _resting[0] = len(sys.modules)
