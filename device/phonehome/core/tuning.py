"""The settings that can be pushed: whether a value fits, what it is now, and the change of it.

What a pushed value takes the place of is kept in `hands.replaced`, by key, so that a configuration
that no longer names a key brings back what the file or the product says.
"""

from phonehome_wire.compat import const
from phonehome_wire.pushed import (
    KIND_PARAMS,
    RULE_BASE,
    SETTINGS,
    judge_setting,
    rule_key,
    split_key,
)

from .errors import ProductError
from .logcommands import LEVELS
from .product import FaultSpec
from .rules import KIND_PYTHON, make_rules

# Folded away on a board; a test holds them to the wire's registry and limits.
_PUSHED_OK = const(0)
_PUSHED_OUT_OF_RANGE = const(3)
_PUSHED_UNKNOWN = const(1)
_PUSHED_WRONG_TYPE = const(2)

_PARAMS = const(7)  # places in a FaultSpec
_TIMING = {"on_delay_ms": 8, "off_delay_ms": 9, "n": 10, "m": 11, "settle_ms": 13}
_SEVERITY = "log_severity"


def judge(hands, values: dict) -> dict:
    """{key: PUSHED_*} for every key; nothing is changed."""
    judged = {}
    for key, value in values.items():
        if key < RULE_BASE:
            judged[key] = judge_setting(key, value)
        elif not _find(hands.product, key):
            judged[key] = _PUSHED_UNKNOWN
        else:
            judged[key] = _PUSHED_OK if type(value) is int else _PUSHED_WRONG_TYPE
    for spec in hands.product.faults:
        keys = [key for key in values if judged[key] == _PUSHED_OK and _is_of(key, spec)]
        if keys and not _fits(hands, spec, values, keys):
            for key in keys:
                judged[key] = _PUSHED_OUT_OF_RANGE
    return judged


def tune(hands, values: dict) -> None:
    """Make these the pushed values, and only these; they must have been judged good."""
    replaced = hands.replaced
    changed: set = set()
    for key in [key for key in replaced if key not in values]:
        _put(hands, key, replaced.pop(key), changed)
    for key, value in values.items():
        if key < RULE_BASE or _find(hands.product, key):
            if key not in replaced:
                replaced[key] = _get(hands, key)
            _put(hands, key, value, changed)
    if hands.sending is not None:
        hands.sending.follow(hands.config)
    for index in changed:
        _begin_anew(hands.sampler, hands.product, index)


def _begin_anew(sampler, product, index: int) -> None:
    """A rule whose parameters changed forgets what it saw under the old ones."""
    if sampler is None:
        return  # not made yet: it will be of the new ones
    spec = product.faults[index]
    if spec.kind != KIND_PYTHON:
        sampler.rules[index] = make_rules([spec], product.channels, {})[0]
    sampler.begin_anew(index)


def _get(hands, key: int):
    if key in SETTINGS:
        name = SETTINGS[key][0]
        return LEVELS.index(hands.ring.level) if name == _SEVERITY else getattr(hands.config, name)
    index, place = _find(hands.product, key)
    spec = hands.product.faults[index]
    return spec[_PARAMS][place] if place < _PARAMS else spec[place - _PARAMS]


def _put(hands, key: int, value, changed: set) -> None:
    if key not in SETTINGS:
        index, place = _find(hands.product, key)
        hands.product.faults[index] = _with(hands.product.faults[index], place, value)
        changed.add(index)
    elif SETTINGS[key][0] == _SEVERITY:
        hands.ring.level = LEVELS[value]
    else:
        setattr(hands.config, SETTINGS[key][0], value)


def _find(product, key: int) -> tuple:
    """(index of the fault, place) of a key; places from _PARAMS on are those of a FaultSpec.

    () when the product has no such fault, or its rule no such word.
    """
    word = split_key(key)[2]
    for index, spec in enumerate(product.faults):
        if _is_of(key, spec):
            if word in _TIMING:
                return index, _PARAMS + _TIMING[word]
            words = KIND_PARAMS[spec.kind]
            return (index, words.index(word)) if word in words else ()
    return ()


def _is_of(key: int, spec) -> bool:
    return key & ~31 == rule_key(spec.spn, spec.fmi, "low")


def _with(spec, place: int, value):
    """The fault with another value at a place."""
    row = list(spec)
    if place >= _PARAMS:
        row[place - _PARAMS] = value
    else:
        params = list(spec[_PARAMS])
        params[place] = value
        row[_PARAMS] = tuple(params)
    return FaultSpec(*row)


def _fits(hands, spec, values: dict, keys: list) -> bool:
    """Whether the rule can work with these values, and with what it had before for the others."""
    from .checks import check_rule

    for key in [key for key in hands.replaced if _is_of(key, spec) and key not in values]:
        spec = _with(spec, _find(hands.product, key)[1], hands.replaced[key])
    for key in keys:
        spec = _with(spec, _find(hands.product, key)[1], values[key])
    try:
        check_rule(hands.product, spec)
    except ProductError:
        return False
    return True
