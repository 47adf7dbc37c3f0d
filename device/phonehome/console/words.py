"""What is said about each command: how it is written, and what it is for."""

from .answer import WordError

# In the order in which somebody needs them.
WORDS = (
    ("help", "[COMMAND]", "what can be asked"),
    ("status", "", "one screen: product, faults, queue, network, clock"),
    ("export", "", "what waits for the receiver, as lines that a laptop carries there"),
    ("ack", "1/2 BASE64 CRC", "the receiver's answer to an export, line by line"),
    ("version", "", "device, agent, board, firmware, product"),
)


def tell(commands: dict, words: list, write) -> None:
    """All commands, or those that are named."""
    for word in words:
        if word not in commands:
            raise WordError("help %r: there is no such command; %s" % (word, nearest(word)))
    for name, usage, purpose in WORDS:
        if name in commands and (not words or name in words):
            if write.is_json:
                is_guarded = commands[name][1] > 0
                fields = (("usage", usage), ("pin", is_guarded), ("purpose", purpose))
                write.row("commands", ("name", name), *fields)
            else:
                write.line("%-32s %s" % ((name + " " + usage), purpose))


def nearest(word: str) -> str:
    """A hint at the commands that begin as the word does, or at help."""
    like = [name for name, _, _ in WORDS if word and name[0] == word[0]]
    return "try %s" % " or ".join(like) if like else "'help' lists them"


def expect_no_words(name: str, words: list) -> None:
    """WordError when a command that takes none was given words."""
    if words:
        raise WordError("%s %r: %s takes no words" % (name, words[0], name))
