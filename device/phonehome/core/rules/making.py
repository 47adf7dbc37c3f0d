"""Which file makes the rule of a fault; needed at the start."""

from . import KIND_PYTHON, KIND_RANGE, KIND_RATE, KIND_STUCK


def make_all(specs, channels, predicates) -> list:
    """Return the rule of every fault, in their order."""
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
