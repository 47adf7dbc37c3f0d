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
    hands.reporter.rest()


def _find(name: str) -> tuple:
    """(function, guard) of a command by its name or one of its other names."""
    found = COMMANDS.get(ALIASES.get(name, name))
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


def _status(hands, words, write) -> None:
    from .state import tell_status

    tell_status(hands, words, write)


def _version(hands, words, write) -> None:
    from .state import tell_version

    tell_version(hands, words, write)


# A row a command; words.py says what each is for.
COMMANDS: dict = {
    "ack": (_ack, _FREE),
    "export": (_export, _FREE),
    "help": (_help, _FREE),
    "status": (_status, _FREE),
    "version": (_version, _FREE),
}

# As testers know them from the consoles of Memfault and ESP-IDF.
ALIASES: dict = {
    "?": "help",
    "get_device_info": "version",
}
