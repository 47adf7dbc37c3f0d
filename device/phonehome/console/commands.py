"""Which commands there are and who carries each out; what only one needs is loaded for it.

A command is `function(hands, words, write)`: the agent's parts (core.hands), the words behind its
name, and an Answer. One that takes its time returns a coroutine. WordError tells what was wrong.
"""

from phonehome.core.hands import Hands

from .answer import Answer, WordError

_FREE = 0
_GUARDED = 1
_GUARDED_WITH_WORDS = 2  # asking is free, changing is not

_JSON = "--json"


async def carry_out(agent, conversation, line: "str | None") -> None:
    """Answer one line of a Conversation; None was too long."""
    words = (line or "").split()
    is_json = words[-1:] == [_JSON]
    if is_json:
        words.pop()
    if words:
        words[:1] = ALIASES.get(words[0], words[0]).split()
    name = words.pop(0) if words else ""
    hands = Hands(agent)
    write = Answer(conversation.write, conversation.is_called, name, is_json)
    try:
        if line is None:
            raise WordError("this line is too long: no command needs more than 1400 characters")
        function, guard = _find(name)
        if guard == _GUARDED or (guard and words):
            from .pin import expect_pin

            await expect_pin(hands, conversation)
        going = function(hands, words, write)
        if going is not None:
            await going
    except WordError as error:
        write("error", str(error))
    except Exception as error:  # whatever a command does, the agent goes on
        hands.log.error("console %s: %s", name, error)
        write("error", "%s %s" % (type(error).__name__, error))
    write.end()
    hands.forget_ended()
    hands.reporter.rest()


def _find(name: str) -> tuple:
    """(function, guard) of a command; WordError when there is none."""
    found = COMMANDS.get(name)
    if found is None:
        from .words import nearest

        raise WordError("%r: there is no such command; %s" % (name, nearest(name)))
    return found


def _ack(hands, words, write) -> None:
    from .exporting import ack

    ack(hands, words, write)


def _export(hands, words, write):
    from .exporting import export

    return export(hands, words, write)


def _help(_hands, words, write) -> None:
    from .words import tell

    tell(COMMANDS, words, write)


def _unlock(hands, _words, write) -> None:
    write("unlocked", bool(hands.config.pin))


def _status(hands, words, write) -> None:
    from .state import tell_status

    tell_status(hands, words, write)


def _faults(hands, words, write) -> None:
    from .faulting import tell_faults

    tell_faults(hands, words, write)


def _freeze(hands, words, write) -> None:
    from .faulting import freeze

    freeze(hands, words, write)


def _sensors(hands, words, write):
    from .sensing import tell_sensors

    return tell_sensors(hands, words, write)


def _queue(hands, words, write) -> None:
    from .state import tell_queue

    tell_queue(hands, words, write)


def _stats(hands, words, write) -> None:
    from .state import tell_stats

    tell_stats(hands, words, write)


def _log(hands, words, write) -> None:
    from .serving import log

    log(hands, words, write)


def _reset_reason(hands, words, write) -> None:
    from .state import tell_reset

    tell_reset(hands, words, write)


def _net(hands, words, write) -> None:
    from .state import tell_net

    tell_net(hands, words, write)


def _heap(hands, words, write) -> None:
    from .state import tell_heap

    tell_heap(hands, words, write)


def _selftest(hands, words, write) -> None:
    from .checking import selftest

    selftest(hands, words, write)


def _test(hands, words, write) -> None:
    from .testing import test

    test(hands, words, write)


def _shelve(hands, words, write) -> None:
    from .faulting import shelve

    shelve(hands, words, write)


def _clear(hands, words, write) -> None:
    from .faulting import clear

    clear(hands, words, write)


def _send(hands, words, write) -> None:
    from .serving import send

    send(hands, words, write)


def _config(hands, words, write) -> None:
    from .serving import config

    config(hands, words, write)


def _version(hands, words, write) -> None:
    from .state import tell_version

    tell_version(hands, words, write)


def _claim(hands, words, write) -> None:
    from .owning import tell_code

    tell_code(hands, words, write)


def _restart(hands, words, write):
    from .serving import restart

    return restart(hands, words, write)


def _service(hands, words, write) -> None:
    from .serving import service

    service(hands, words, write)


# A row a command; words.py says what each is for.
COMMANDS: dict = {
    "ack": (_ack, _FREE),
    "export": (_export, _FREE),
    "help": (_help, _FREE),
    "status": (_status, _FREE),
    "faults": (_faults, _FREE),
    "freeze": (_freeze, _FREE),
    "sensors": (_sensors, _FREE),
    "queue": (_queue, _FREE),
    "stats": (_stats, _FREE),
    "log": (_log, _FREE),
    "reset-reason": (_reset_reason, _FREE),
    "net": (_net, _FREE),
    "heap": (_heap, _FREE),
    "version": (_version, _FREE),
    "claim": (_claim, _FREE),
    "selftest": (_selftest, _FREE),
    "send": (_send, _FREE),
    "config": (_config, _GUARDED_WITH_WORDS),
    "unlock": (_unlock, _GUARDED),
    "test": (_test, _GUARDED),
    "shelve": (_shelve, _GUARDED),
    "clear": (_clear, _GUARDED),
    "service": (_service, _GUARDED),
    "restart": (_restart, _GUARDED),
}

# As testers know them from the consoles of Memfault and ESP-IDF.
ALIASES: dict = {
    "?": "help",
    "get_device_info": "version",
    "get_reboot_reason": "reset-reason",
    "heartbeat": "send",
    "post_chunks": "send",
    "metrics_dump": "stats",
    "self_test": "selftest",
    "free": "heap",
    "log_level": "log",
    "reboot": "restart",
    "crash": "test crash",
}
