"""What a receiver may set in a device by command 3: settings, sensors and rules, by key.

One table for both ends: the receiver refuses by it before it sends, the device before it obeys.
A sensor's period and a parameter of a rule have keys of their own, made of the channel, or of the
fault's id and failure mode, so that they mean the same in every version of a product file; their
values are in the units of the compiled file.

    1 << 28 | channel                                                   period in ms
    1 << 29 | fault id << 10 | failure mode << 5 | place in RULE_WORDS
"""

from .compat import const

# Folded away on a board; a test holds them to registry and limits.
_PUSHED_OK = const(0)
_PUSHED_OUT_OF_RANGE = const(3)
_PUSHED_UNKNOWN = const(1)
_PUSHED_WRONG_TYPE = const(2)

MAX_KEYS = const(32)  # of one configuration: the command and its result stay below their caps
MAX_VERSION = const(2**30 - 1)  # a small integer on a board
SENSOR_BASE = const(1 << 28)
MAX_PERIOD_MS = const(86400000)
RULE_BASE = const(1 << 29)  # the greatest key is a small integer, too

# key: (name, least, greatest); the unit is the end of the name, a severity is RFC 5424's.
SETTINGS = {
    1: ("heartbeat_s", 1, 86400),
    2: ("gather_ms", 0, 60000),
    3: ("ack_s", 1, 300),
    4: ("keepalive_s", 2, 240),
    5: ("settle_ms", 0, 60000),
    6: ("log_severity", 0, 7),
}
# The way to the receiver. key: (name, least, greatest), in bytes of UTF-8.
TEXTS = {
    7: ("server", 8, 128),
    8: ("wifi_ssid", 1, 32),
    9: ("wifi_password", 8, 64),
}
SECRETS = (9,)  # of TEXTS: never shown, logged or kept in the clear at the receiver

# Only ever added to: the place of a word is part of a key.
RULE_WORDS = (
    "low",
    "high",
    "deadband",
    "window_ms",
    "level",
    "rearm",
    "excess",
    "on_delay_ms",
    "off_delay_ms",
    "n",
    "m",
    "settle_ms",
)
# The words of the parameters of each kind of rule, in the order of the compiled product file.
KIND_PARAMS = {
    1: ("low", "high", "deadband"),
    2: ("low", "high", "window_ms", "deadband"),
    3: ("deadband", "window_ms"),
    4: ("window_ms",),
    5: (),
    6: ("low", "high", "window_ms", "deadband"),
    7: ("low", "high", "deadband"),
    8: ("low", "high", "window_ms", "deadband", "level", "rearm"),
    9: ("low", "high", "excess", "deadband"),
}


def sensor_key(channel: int) -> int:
    """The key of the period of a sensor."""
    return SENSOR_BASE | channel


def rule_key(spn: int, fmi: int, word: str) -> int:
    """The key of a parameter of the rule of a fault; ValueError when there is no such word."""
    return RULE_BASE | spn << 10 | fmi << 5 | RULE_WORDS.index(word)


def split_key(key: int) -> "tuple[int, int, str]":
    """(fault id, failure mode, word) of the key of a rule; word is "" when there is none."""
    place = key & 31
    word = RULE_WORDS[place] if place < len(RULE_WORDS) else ""
    return key >> 10 & 0x7FFFF, key >> 5 & 31, word


def judge_setting(key: int, value: object) -> int:
    """What is to be said of a value for one of SETTINGS or TEXTS: PUSHED_*."""
    if key in TEXTS:
        if not isinstance(value, str):
            return _PUSHED_WRONG_TYPE
        return _judge_number(len(value.encode()), *TEXTS[key][1:])
    if key not in SETTINGS:
        return _PUSHED_UNKNOWN
    return _judge_number(value, *SETTINGS[key][1:])


def judge_period(value: object) -> int:
    """What is to be said of the period of a sensor that there is: PUSHED_*."""
    return _judge_number(value, 1, MAX_PERIOD_MS)


def _judge_number(value: object, least: int, greatest: int) -> int:
    if type(value) is not int:
        return _PUSHED_WRONG_TYPE
    return _PUSHED_OK if least <= value <= greatest else _PUSHED_OUT_OF_RANGE
