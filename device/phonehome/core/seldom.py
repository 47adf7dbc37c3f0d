"""Methods that are seldom called: the code is loaded for the call and dropped with the rest.

Classes in the sources are whole, and nobody here uses this. What the linker's table names it takes
out of its class, and gives the class these two and `__path__`: where each method is found.
"""

import sys

from phonehome_wire.compat import const

_ROOM = __name__.rpartition(".")[0] + ".reporting"
_PLACE_BITS = const(7)  # which function of a module, and above them which module; ~: a property
_PLACE = const((1 << _PLACE_BITS) - 1)


def find(self, name):
    """The `__getattr__` of such a class: a method, bound to its object, or a property's value."""
    place = self.__path__.get(name)
    if place is None:
        raise AttributeError(name)
    at = place if place >= 0 else ~place
    room = "%s.%d" % (_ROOM, at >> _PLACE_BITS)
    __import__(room)
    function = sys.modules[room].__path__[at & _PLACE]
    # A function that is asked of a class comes bound, and costs no frame on the stack between.
    # Boards give each class this name for nothing.
    kind = type(self)
    kind.__module__ = function
    method = self.__module__
    kind.__module__ = ""
    return method if place >= 0 else method()


def make(self, *args, **words) -> None:
    """The `__init__` of such a class."""
    find(self, "__init__")(*args, **words)
