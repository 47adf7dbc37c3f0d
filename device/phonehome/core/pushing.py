"""Configuration from the receiver: command 3, and what a boot makes of what was pushed before.

A configuration is a version and values by key (phonehome_wire.pushed). It is taken whole or not
at all, is on flash before it counts, and is on trial (core.trial) until it has proven itself.
"""

from phonehome_wire.compat import const
from phonehome_wire.pushed import MAX_KEYS, MAX_VERSION

from .linkkeys import link_of
from .pushed import Pushed
from .trial import MAX_BOOTS, Trial

# Folded away on a board; a test holds them to the wire's registry and limits.
_ARG_CONFIG_VALUES = const(1)
_ARG_CONFIG_VERSION = const(0)
_PUSHED_BOOT_LOOP = const(4)
_RESULT_BAD_ARGS = const(2)
_RESULT_FAILED = const(3)
_RESULT_OK = const(0)


def set_config(hands, args: dict) -> tuple:
    """Command 3 {0: version, 1: {key: value}}; the value of its result is {key: PUSHED_*}."""
    from .tuning import judge, tune

    version, values = args.get(_ARG_CONFIG_VERSION), args.get(_ARG_CONFIG_VALUES)
    if type(version) is not int or not 0 <= version <= MAX_VERSION:
        return _RESULT_BAD_ARGS, None
    if not isinstance(values, dict) or len(values) > MAX_KEYS:
        return _RESULT_BAD_ARGS, None
    judged = judge(hands, values)
    if any(judged.values()):
        return _RESULT_BAD_ARGS, judged
    pushed = Pushed(hands.slots)
    if pushed.current == (version, values):
        return _RESULT_OK, judged  # asked for again: what is on trial stays on trial
    if version and version == pushed.taken[1]:
        return _RESULT_BAD_ARGS, dict.fromkeys(values, _PUSHED_BOOT_LOOP)
    is_moved = link_of(values) != link_of(pushed.current[1])
    try:
        pushed.begin_trial(version, values)
    except OSError:
        return _RESULT_FAILED, None
    tune(hands, values)
    hands.session.config_version = version
    hands.begin_trial(Trial(hands, pushed, hands.now_ms, is_moved))
    hands.tell_config("trial")
    if is_moved:
        hands.ask_reboot(True)
    return _RESULT_OK, judged


def settle(slots, birth, tell) -> dict:
    """Decide which one this boot runs under; its way to the receiver, as core.linkkeys has it.

    `birth` None: this boot has begun already.
    """
    pushed = Pushed(slots)
    if birth is None:
        pass
    elif not birth.is_safe:
        _note_boot(pushed, birth)
    elif _revert(pushed, birth.died):
        tell("config", version=pushed.current[0], state="reverted")
    return link_of(pushed.current[1])


def restore(agent, slots) -> None:
    """Apply what `slots` hold from an earlier boot, before anything uses the settings."""
    from .hands import Hands
    from .tuning import tune

    hands = Hands(agent)
    pushed = Pushed(slots)
    if pushed.trial is not None:
        hands.begin_trial(Trial(hands, pushed, 0))
    hands.session.config_version, values = pushed.current
    tune(hands, values)


def _note_boot(pushed, birth) -> None:
    """The trial has had one more boot; too many end it."""
    if pushed.trial is not None and pushed.boots + 1 >= MAX_BOOTS:
        _try(pushed.drop)
    elif pushed.trial is not None:
        _try(pushed.note_boot)  # not counted on a full flash; the time of the trial still ends it
    elif pushed.taken[0] and not birth.died:
        _try(pushed.note_health)


def _revert(pushed, died: int) -> bool:
    """The application stays off after `died` boots: take one back, unless that waits for its try.

    The one on trial first, then the one kept, then the one before; False when nothing is left.
    """
    if pushed.taken[0] == died or not pushed.current[0]:
        return False
    return _try(pushed.take_back, died)


def _try(write, *args) -> bool:
    """Whether the flash took it."""
    try:
        write(*args)
    except OSError:
        return False
    return True
