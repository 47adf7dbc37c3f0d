"""The kinds of rule, one file each: from the samples of a channel to pass, fail or no verdict.

A rule has `judge(spec, channel, is_confirmed)`; `evidence(spec, channel)`, which is what it
compared last as (value or None, limit or None, exp); and `reset()` for when its gate is shut. A
kind that remembers nothing has one rule object for all its faults. A file is imported when the
first rule of its kind is made, so a board pays only for the kinds that its product uses.
"""

from phonehome_wire.compat import const

KIND_RANGE = const(1)
KIND_RATE = const(2)
KIND_STUCK = const(3)
KIND_MISSING = const(4)
KIND_PYTHON = const(5)


def make_rules(specs, channels, predicates) -> list:
    """Return the rule of every fault, in their order; `predicates` maps codes to functions."""
    shared: dict = {}
    return [_make(spec, channels, predicates, shared) for spec in specs]


def _make(spec, channels, predicates, shared):
    if spec.kind == KIND_RATE:
        from .rate import RateRule

        return RateRule(spec)
    if spec.kind == KIND_STUCK:
        from .stuck import StuckRule

        return StuckRule()
    if spec.kind == KIND_PYTHON:
        from .predicate import PredicateRule, Samples

        if KIND_PYTHON not in shared:
            shared[KIND_PYTHON] = Samples(channels)
        return PredicateRule(predicates[spec.code], shared[KIND_PYTHON])
    if spec.kind > KIND_PYTHON:
        from .rare import make_rare

        return make_rare(spec, channels)
    if spec.kind not in shared:
        shared[spec.kind] = _make_shared(spec.kind)
    return shared[spec.kind]


def _make_shared(kind: int):
    if kind == KIND_RANGE:
        from .range import RangeRule

        return RangeRule()
    from .missing import MissingRule

    return MissingRule()
