"""The kinds of rule, one file each: from the samples of a channel to pass, fail or no verdict.

A rule has `judge(spec, channel, is_confirmed)`; `evidence(spec, channel)`, which is what it
compared last as (value or None, limit or None, exp); and `reset()` for when its gate is shut. A
kind that remembers nothing has one rule object for all its faults. A file is imported when the
first rule of its kind is made, so a board pays only for the kinds that its product uses.
"""

from phonehome.core.ondemand import forget
from phonehome_wire.compat import const

KIND_RANGE = const(1)
KIND_RATE = const(2)
KIND_STUCK = const(3)
KIND_MISSING = const(4)
KIND_PYTHON = const(5)


def make_rules(specs, channels, predicates) -> list:
    """Return the rule of every fault, in their order; `predicates` maps codes to functions."""
    from .making import make_all

    rules = make_all(specs, channels, predicates)
    forget(__name__ + ".making", __name__ + ".rare")
    return rules
