"""The settings that can be pushed: whether a value fits, what it is now, and the change of it.

What a pushed value takes the place of is kept in `hands.replaced`, by key, so that a configuration
that no longer names a key brings back what the file or the product says.
"""

from phonehome_wire.compat import const
from phonehome_wire.pushed import (
    KIND_PARAMS,
    RULE_BASE,
    SENSOR_BASE,
    SETTINGS,
    TEXTS,
    judge_period,
    judge_setting,
    rule_key,
    sensor_key,
    split_key,
)

from .errors import ProductError
from .linkkeys import judge_link, link_of
from .logcommands import LEVELS
from .product import FaultSpec
from .rules import KIND_PYTHON, make_rules

# Folded away on a board; a test holds them to the wire's registry and limits.
_PUSHED_OK = const(0)
_PUSHED_OUT_OF_RANGE = const(3)
_PUSHED_UNKNOWN = const(1)
_PUSHED_UNSUPPORTED = const(5)
_PUSHED_WRONG_TYPE = const(2)

_PARAMS = const(7)  # places in a FaultSpec
_TIMING = {"on_delay_ms": 8, "off_delay_ms": 9, "n": 10, "m": 11, "settle_ms": 13}
_SEVERITY = "log_severity"


def judge(hands, values: dict) -> dict:
    """{key: PUSHED_*} for every key; nothing is changed."""
    judged = {}
    for key, value in values.items():
        judged[key] = _judge_one(hands, key, value)
    link = link_of(values)
    if link:
        judge_link(hands, link, judged)
    for spec in hands.product.faults:
        keys = [key for key in values if judged[key] == _PUSHED_OK and _is_of(key, spec)]
        if keys and not _fits(hands, spec, values, keys):
            for key in keys:
                judged[key] = _PUSHED_OUT_OF_RANGE
    return judged


def _judge_one(hands, key: int, value) -> int:
    if key < SENSOR_BASE:
        return judge_setting(key, value)
    if not hands.agent.tunes_product:
        return _PUSHED_UNSUPPORTED
    if key < RULE_BASE:
        return judge_period(value) if _channel(hands.product, key) else _PUSHED_UNKNOWN
    if not _find(hands.product, key):
        return _PUSHED_UNKNOWN
    return _PUSHED_OK if type(value) is int else _PUSHED_WRONG_TYPE


def tune(hands, values: dict) -> None:
    """Make these the pushed values, and only these; they must have been judged good."""
    replaced = hands.replaced
    changed: set = set()
    for key in [key for key in replaced if key not in values]:
        _put(hands, key, replaced.pop(key), changed)
    for key, value in values.items():
        if key not in TEXTS and _is_here(hands.product, key):
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
    if key < RULE_BASE:
        return _channel(hands.product, key).period_ms
    index, place = _find(hands.product, key)
    spec = hands.product.faults[index]
    return spec[_PARAMS][place] if place < _PARAMS else spec[place - _PARAMS]


def _put(hands, key: int, value, changed: set) -> None:
    if SENSOR_BASE <= key < RULE_BASE:
        _pace(hands.product, _channel(hands.product, key), value, changed)
    elif key not in SETTINGS:
        index, place = _find(hands.product, key)
        hands.product.faults[index] = _with(hands.product.faults[index], place, value)
        changed.add(index)
    elif SETTINGS[key][0] == _SEVERITY:
        hands.ring.level = LEVELS[value]
    else:
        setattr(hands.config, SETTINGS[key][0], value)


def _pace(product, channel, period_ms: int, changed: set) -> None:
    """Read a sensor at another pace from now on; what judges it by rows of samples begins anew."""
    channel.period_ms = period_ms
    channel.wait_ms = min(channel.wait_ms, period_ms)
    sensor = product.channels.index(channel)
    changed.update([i for i, spec in enumerate(product.faults) if spec.sensor == sensor])


def _is_here(product, key: int) -> bool:
    """Whether the device has what the key names; another firmware may have lost it."""
    if key >= RULE_BASE:
        return bool(_find(product, key))
    return key in SETTINGS or _channel(product, key) is not None


def _channel(product, key: int):
    """The sensor of a key, or None."""
    for channel in product.channels:
        if key == sensor_key(channel.id):
            return channel
    return None


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
