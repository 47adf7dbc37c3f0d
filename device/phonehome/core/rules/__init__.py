"""The kinds of rule, one file each: from the samples of a channel to pass, fail or no verdict.

A rule has `judge(channel, is_confirmed)`, `reset()` for when its gates are closed, and `value`,
`limit`, `exp`: what it compared last, None where that says nothing. A file is imported when the
first rule of its kind is made, so a board pays only for the kinds that its product uses.
"""

KIND_RANGE = 1
KIND_RATE = 2
KIND_STUCK = 3
KIND_MISSING = 4
KIND_PYTHON = 5


def make_rule(spec, channels):
    """Return the rule of a fault; `spec` has kind, params, sensor and, for Python, predicate."""
    return _MAKERS[spec.kind](spec, channels)


def _make_range(spec, _channels):
    from .range import RangeRule

    return RangeRule(spec.params)


def _make_rate(spec, _channels):
    from .rate import RateRule

    return RateRule(spec.params)


def _make_stuck(spec, _channels):
    from .stuck import StuckRule

    return StuckRule(spec.params)


def _make_missing(spec, _channels):
    from .missing import MissingRule

    return MissingRule(spec.params)


def _make_python(spec, channels):
    from .predicate import PredicateRule

    return PredicateRule(spec.predicate, channels)


_MAKERS = {
    KIND_RANGE: _make_range,
    KIND_RATE: _make_rate,
    KIND_STUCK: _make_stuck,
    KIND_MISSING: _make_missing,
    KIND_PYTHON: _make_python,
}
