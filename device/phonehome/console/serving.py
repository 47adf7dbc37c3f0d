"""What a technician does with the board itself: send, log, settings, service, restart."""

from phonehome.core.ondemand import forget
from phonehome_wire.compat import const

from .answer import WordError
from .words import expect_no_words

_LINES = const(16)  # of the log, all that there are
LEVELS = ("debug", "info", "warning", "error", "critical")  # 10, 20 and so on, as in `logging`
# As RFC 5424 counts them in the lines of the log.
_SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_SECRETS = ("password", "code", "pin", "psk", "key", "token")
_PATHS = ("key", "claim")  # a path is no secret, what is in the file is
_SERVICE_MIN = const(10)
_MAX_SERVICE_MIN = const(240)
_MASK = "***"
_SETTINGS = "phonehome.core.settings"


def send(hands, words: list, write) -> None:
    """Try to reach the receiver now, with a heartbeat and what waits."""
    expect_no_words("send", words)
    hands.send_now()
    write("records_waiting", hands.outbox.depth)
    write("link", "open" if hands.link.is_open else "closed")


def log(hands, words: list, write) -> None:
    """The newest lines; with a level, of one logger if that is named, keep from it on."""
    if words:
        _set_level(hands.ring, words, write)
        return
    from phonehome.core.lastwords import crumbs_of

    crumbs = crumbs_of(hands.ring.lines, hands.ring.next, hands.now_ms, _LINES)
    for before_ms, name, text, severity in crumbs:
        fields = (("severity", _SEVERITIES[severity]), ("logger", name), ("text", text))
        if write.is_json:
            write.row("lines", ("ms", before_ms), *fields)
        else:
            write.line("%8d ms  %-8s %s: %s" % (before_ms, fields[0][1], name, text))
    if not crumbs:
        write.none("lines")
    write("level", LEVELS[hands.ring.level // 10 - 1])


def _set_level(ring, words: list, write) -> None:
    if words[0] not in LEVELS or len(words) > 2:
        raise WordError("log %r: want one of %s, then a logger" % (words[0], ", ".join(LEVELS)))
    level = 10 * LEVELS.index(words[0]) + 10
    if len(words) == 2:
        ring.levels[words[1]] = level
        write("logger", words[1])
    else:
        ring.levels.clear()
        ring.level = level
    write("level", words[0])


def service(hands, words: list, write) -> None:
    """No watchdog for a time, behind a reset too."""
    minutes = words[0] if len(words) == 1 else str(_SERVICE_MIN)
    if len(words) > 1 or not minutes.isdigit() or not 1 <= int(minutes) <= _MAX_SERVICE_MIN:
        raise WordError("service %r: want minutes in 1..240" % " ".join(words))
    hands.agent.service(int(minutes))
    write("watchdog", "off")
    write("minutes", int(minutes))


def restart(hands, words: list, write):
    """Start again at once; what waits is on flash."""
    expect_no_words("restart", words)
    write("restart", "now")
    return _restart(hands, write)


async def _restart(hands, write) -> None:
    import asyncio

    write.end()
    hands.reporter.rest()
    await asyncio.sleep(0.2)  # the line is still on its way
    hands.tasks.reboot("console")


def config(hands, words: list, write) -> None:
    """The settings that count now; with a name and a value, change one until the restart."""
    if words:
        _set(hands, words, write)
        return
    from phonehome.core.settings import KNOWN

    for name in KNOWN:
        write(name, _masked(name, getattr(hands.config, name)))
    forget(_SETTINGS)


def _masked(name: str, value):
    """A value as it may be shown: what is secret in it is not."""
    if isinstance(value, dict):
        return ["%s=%s" % (key, _masked(key, value[key])) for key in sorted(value)]
    if isinstance(value, tuple):
        return _address(value)
    if name in _SECRETS and name not in _PATHS and value:
        return _MASK
    return value


def _address(parts: tuple) -> "str | None":
    """(is secure, host, port, path) or (host, port) as an address; None of none."""
    if len(parts) == 4:
        is_secure, host, port, path = parts
        return "%s://%s:%d%s" % ("https" if is_secure else "http", host, port, path)
    return ":".join([str(part) for part in parts]) or None


def _set(hands, words: list, write) -> None:
    from phonehome.core.pushed import Pushed
    from phonehome.core.tuning import tune
    from phonehome_wire.pushed import SETTINGS

    name = words[0]
    keys = [key for key in SETTINGS if SETTINGS[key][0] == name]
    if not keys:
        names = ", ".join([SETTINGS[key][0] for key in sorted(SETTINGS)])
        raise WordError("config %r: can be changed here: %s" % (name, names))
    _, least, greatest = SETTINGS[keys[0]]
    digits = words[1] if len(words) == 2 else ""
    if not digits.isdigit() or not least <= int(digits) <= greatest:
        wrong = " ".join(words[1:])
        raise WordError("config %s %r: want a number in %d..%d" % (name, wrong, least, greatest))
    values = dict(Pushed(hands.slots).current[1])
    values[keys[0]] = int(digits)
    tune(hands, values)
    write(name, int(digits))
    write("until", "the restart, or the receiver's next configuration")
