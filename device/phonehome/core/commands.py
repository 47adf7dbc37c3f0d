"""Commands of the receiver (WIRE.md 4.6): which there are and who carries each out.

Loaded when one comes, and dropped when the reporter rests; what only one command needs is a module
of its own. Signature, boot, order and deadline were checked before.
"""

from phonehome_wire.compat import const

from .errors import ConfigError

# Folded away on a board; a test holds them to the wire's registry and limits.
_ARG_CLEAR_CODE = const(0)
_COMMAND_CLEAR_FAULTS = const(4)
_COMMAND_PING = const(1)
_COMMAND_REBOOT = const(5)
_COMMAND_RESEND_RANGE = const(8)
_COMMAND_ROTATE_KEY = const(6)
_COMMAND_SEND_HELLO = const(2)
_COMMAND_SEND_LOG = const(7)
_COMMAND_SET_CONFIG = const(3)
_COMMAND_SET_LOG_LEVEL = const(9)
_RESULT_BAD_ARGS = const(2)
_RESULT_FAILED = const(3)
_RESULT_OK = const(0)
_RESULT_REFUSED = const(1)
_RESULT_UNKNOWN = const(5)


def execute(code: int, args: dict, hands) -> tuple:
    """Carry out a command with `hands` (core.hands); (RESULT_*, value or None), never an error."""
    own, function = _OWN.get(code), hands.functions.get(code)
    if own is None and function is None:
        return _RESULT_UNKNOWN, None
    allowed = hands.config.commands
    if allowed is not None and code not in allowed:
        return _RESULT_REFUSED, None
    try:
        return (_RESULT_OK, function(args)) if own is None else own(hands, args)
    except Exception as error:  # whatever a command does, the agent goes on
        is_lacking = own is not None and isinstance(error, ImportError)
        hands.log.error("command %d: %s", code, "part not installed" if is_lacking else error)
        return _RESULT_UNKNOWN if is_lacking else _RESULT_FAILED, None


def register(functions: dict, code: int, function) -> None:
    """Add an application command of the developer's; ConfigError when it cannot be one."""
    if not 128 <= code <= 255 or not callable(function):
        raise ConfigError("command %r: give a code in 128..255 and a function" % (code,))
    functions[code] = function


def _ping(hands, _args: dict) -> tuple:
    return _RESULT_OK, hands.now_ms


def _send_hello(hands, _args: dict) -> tuple:
    is_stored = hands.reporter.add_hello(hands.now_ms, has_catalog=True)
    return _RESULT_OK if is_stored else _RESULT_FAILED, None


def _set_config(hands, args: dict) -> tuple:
    from .pushing import set_config

    return set_config(hands, args)


def _clear_faults(hands, args: dict) -> tuple:
    """All faults, or the one of the code; the value is how many there were to tell of."""
    code = args.get(_ARG_CLEAR_CODE)
    if code is not None and (
        not isinstance(code, str) or hands.sampler.faults.maybe_find(code) is None
    ):
        return _RESULT_BAD_ARGS, None
    return _RESULT_OK, hands.sampler.clear(hands.now_ms, code)


def _reboot(hands, _args: dict) -> tuple:
    """Asked for here; it happens once the receiver has acknowledged the result."""
    return _RESULT_OK if hands.board.can_reboot else _RESULT_REFUSED, None


def _rotate_key(hands, args: dict) -> tuple:
    done: tuple = hands.rotate_key(args)
    return done


def _send_log(hands, args: dict) -> tuple:
    from .logcommands import send_log

    return send_log(args, hands.ring, hands.reporter, hands.now_ms)


def _set_level(hands, args: dict) -> tuple:
    from .logcommands import set_level

    return set_level(args, hands.ring)


def _resend_range(hands, args: dict) -> tuple:
    from .resending import resend

    return resend(args, hands.outbox)


# A row a command.
_OWN: dict = {
    _COMMAND_PING: _ping,
    _COMMAND_SEND_HELLO: _send_hello,
    _COMMAND_SET_CONFIG: _set_config,
    _COMMAND_CLEAR_FAULTS: _clear_faults,
    _COMMAND_REBOOT: _reboot,
    _COMMAND_ROTATE_KEY: _rotate_key,
    _COMMAND_SEND_LOG: _send_log,
    _COMMAND_RESEND_RANGE: _resend_range,
    _COMMAND_SET_LOG_LEVEL: _set_level,
}
