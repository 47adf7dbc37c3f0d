"""Commands about the log; the rare ones, so that they are loaded when one comes."""

from phonehome_wire.compat import const

from .lastwords import crumbs_of

# Folded away on a board; a test holds them to the wire's registry and limits.
_COMMAND_SEND_LOG = const(7)
_COMMAND_SET_LOG_LEVEL = const(9)
_RESULT_BAD_ARGS = const(2)
_RESULT_FAILED = const(3)
_RESULT_OK = const(0)
_RESULT_UNKNOWN = const(5)
_SEVERITY_DEBUG = const(7)

# Arguments: 7 {0: how many lines}, 9 {0: SEVERITY_*, 1: logger (all when absent)}.
_ARG_COUNT = const(0)
_ARG_SEVERITY = const(0)
_ARG_LOGGER = const(1)
_MAX_LOG_CRUMBS = const(32)
_MAX_LEVELS = const(16)
_LEVELS = (50, 50, 50, 40, 30, 20, 20, 10)  # by severity, emergency to debug


def execute(code: int, args: dict, ring, reporter, now_ms: int) -> tuple:
    """Carry out a command; (RESULT_*, value or None)."""
    if code == _COMMAND_SEND_LOG:
        return _send_log(args, ring, reporter, now_ms)
    if code == _COMMAND_SET_LOG_LEVEL:
        return _set_level(args, ring)
    return _RESULT_UNKNOWN, None


def _send_log(args: dict, ring, reporter, now_ms: int) -> tuple:
    """Store an excerpt; the value is how many lines it has."""
    count = args.get(_ARG_COUNT, _MAX_LOG_CRUMBS)
    if not isinstance(count, int) or not 1 <= count <= _MAX_LOG_CRUMBS:
        return _RESULT_BAD_ARGS, None
    crumbs = crumbs_of(ring.lines, ring.next, now_ms, count)
    if crumbs and not reporter.add_log(crumbs, now_ms):
        return _RESULT_FAILED, None
    return _RESULT_OK, len(crumbs)


def _set_level(args: dict, ring) -> tuple:
    severity, name = args.get(_ARG_SEVERITY), args.get(_ARG_LOGGER)
    if not isinstance(severity, int) or not 0 <= severity <= _SEVERITY_DEBUG:
        return _RESULT_BAD_ARGS, None
    if name is None:
        ring.levels.clear()
        ring.level = _LEVELS[severity]
        return _RESULT_OK, None
    if not isinstance(name, str) or (name not in ring.levels and len(ring.levels) >= _MAX_LEVELS):
        return _RESULT_BAD_ARGS, None
    ring.levels[name] = _LEVELS[severity]
    return _RESULT_OK, None
