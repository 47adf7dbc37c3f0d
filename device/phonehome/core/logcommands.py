"""Commands about the log: 7 sends an excerpt of it, 9 sets which lines it keeps."""

from phonehome_wire.compat import const

from .lastwords import crumbs_of

# Folded away on a board; a test holds them to the wire's registry and limits.
_ARG_LEVEL_LOGGER = const(1)
_ARG_LEVEL_SEVERITY = const(0)
_ARG_LOG_COUNT = const(0)
_RESULT_BAD_ARGS = const(2)
_RESULT_FAILED = const(3)
_RESULT_OK = const(0)
_SEVERITY_DEBUG = const(7)

_MAX_LOG_CRUMBS = const(32)
_MAX_LEVELS = const(16)
LEVELS = (50, 50, 50, 40, 30, 20, 20, 10)  # by severity, emergency to debug


def send_log(args: dict, ring, reporter, now_ms: int) -> tuple:
    """Store an excerpt of {0: how many lines}; the value is how many it has."""
    count = args.get(_ARG_LOG_COUNT, _MAX_LOG_CRUMBS)
    if type(count) is not int or not 1 <= count <= _MAX_LOG_CRUMBS:
        return _RESULT_BAD_ARGS, None
    crumbs = crumbs_of(ring.lines, ring.next, now_ms, count)
    if crumbs and not reporter.add_log(crumbs, now_ms):
        return _RESULT_FAILED, None
    return _RESULT_OK, len(crumbs)


def set_level(args: dict, ring) -> tuple:
    """Keep lines of {0: SEVERITY_* and worse, 1: of this logger (all when absent)}."""
    severity, name = args.get(_ARG_LEVEL_SEVERITY), args.get(_ARG_LEVEL_LOGGER)
    if type(severity) is not int or not 0 <= severity <= _SEVERITY_DEBUG:
        return _RESULT_BAD_ARGS, None
    if name is None:
        ring.levels.clear()
        ring.level = LEVELS[severity]
        return _RESULT_OK, None
    if not isinstance(name, str) or (name not in ring.levels and len(ring.levels) >= _MAX_LEVELS):
        return _RESULT_BAD_ARGS, None
    ring.levels[name] = LEVELS[severity]
    return _RESULT_OK, None
