"""The keys of what a receiver may set: one for each parameter, and small on a board."""

from phonehome_wire import registry as r
from phonehome_wire.pushed import (
    KIND_PARAMS,
    MAX_PERIOD_MS,
    RULE_BASE,
    RULE_WORDS,
    SECRETS,
    SENSOR_BASE,
    SETTINGS,
    TEXTS,
    judge_period,
    judge_setting,
    rule_key,
    sensor_key,
    split_key,
)


def test_a_key_is_a_parameter():
    """Every word of every fault has a key of its own, which says them again."""
    keys = set()
    for spn in (0, 520201, 524287):
        for fmi in (0, 18, 31):
            for word in RULE_WORDS:
                key = rule_key(spn, fmi, word)
                assert split_key(key) == (spn, fmi, word)
                assert RULE_BASE <= key < 2**30
                keys.add(key)
    assert len(keys) == 9 * len(RULE_WORDS)


def test_words_that_are_none():
    """A place behind the last word has no name, and a word that is none no key."""
    assert split_key(RULE_BASE | 31)[2] == ""
    try:
        rule_key(1, 1, "colour")
    except ValueError:
        return
    raise AssertionError("colour")


def test_settings_have_bounds():
    """What fits is good, at both ends; other numbers and types are told apart."""
    for key, (_, least, greatest) in SETTINGS.items():
        assert key < RULE_BASE
        assert judge_setting(key, least) == judge_setting(key, greatest) == r.PUSHED_OK
        assert judge_setting(key, least - 1) == r.PUSHED_OUT_OF_RANGE
        assert judge_setting(key, greatest + 1) == r.PUSHED_OUT_OF_RANGE
        for wrong in (True, None, "1", 1.0, b"1", [1]):
            assert judge_setting(key, wrong) == r.PUSHED_WRONG_TYPE
    assert judge_setting(99, 1) == r.PUSHED_UNKNOWN


def test_kinds_use_known_words():
    """Each parameter of each kind of rule has a key."""
    for words in KIND_PARAMS.values():
        for word in words:
            assert word in RULE_WORDS


def test_texts_have_bounds_in_bytes():
    """A text is measured as it is sent, and its key is that of no number."""
    for key, (_, least, greatest) in TEXTS.items():
        assert key < SENSOR_BASE
        assert key not in SETTINGS
        for size, status in ((least, 0), (greatest, 0), (greatest + 1, 3), (least - 1, 3)):
            assert judge_setting(key, "x" * size) == status
        assert judge_setting(key, "\u20ac" * (greatest // 2)) == r.PUSHED_OUT_OF_RANGE
        for wrong in (True, None, 1, b"12345678", ["12345678"]):
            assert judge_setting(key, wrong) == r.PUSHED_WRONG_TYPE
    assert [TEXTS[key][0] for key in SECRETS] == ["wifi_password"]


def test_a_sensor_has_a_key():
    """Between settings and rules, one for each channel."""
    keys = [sensor_key(channel) for channel in range(256)]
    assert len(set(keys)) == 256
    assert SENSOR_BASE <= min(keys) <= max(keys) < RULE_BASE
    assert judge_period(1) == judge_period(MAX_PERIOD_MS) == r.PUSHED_OK
    assert judge_period(0) == judge_period(MAX_PERIOD_MS + 1) == r.PUSHED_OUT_OF_RANGE
    assert judge_period("1") == judge_period(True) == r.PUSHED_WRONG_TYPE
