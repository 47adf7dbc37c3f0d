"""What is said about each command: how it is written, and what it is for."""

from .answer import WordError

# In the order in which somebody needs them.
WORDS = (
    ("help", "[COMMAND]", "what can be asked"),
    ("status", "", "one screen: what it is, faults, queue, link, clock"),
    ("faults", "[all|CODE]", "faults that are not ok, their state and how often"),
    ("freeze", "CODE", "the samples around the moment a fault was confirmed"),
    ("sensors", "[watch] [NAME]", "what the sensors read; watch: each second, until a key"),
    ("queue", "", "records that wait for the receiver"),
    ("send", "", "try to reach the receiver now"),
    ("export", "", "what waits for the receiver, as lines that a laptop carries there"),
    ("ack", "1/2 BASE64 CRC", "the receiver's answer to an export, line by line"),
    ("net", "", "Wi-Fi, link, what fails, when it tries again"),
    ("selftest", "", "flash, key, sensors, memory and network, each ok or not"),
    ("log", "[LEVEL [LOGGER]]", "the newest lines; or which lines to keep"),
    ("stats", "", "uptime, resets, drops, how long the flash lasts"),
    ("reset-reason", "", "why it started, and how sure that is"),
    ("heap", "", "free memory, largest piece"),
    ("version", "", "device, agent, board, firmware, product"),
    ("claim", "", "the code with which its owner claims it, until the next start"),
    ("config", "[NAME VALUE]", "the settings, secrets masked; or change one until the restart"),
    ("unlock", "", "give the PIN once, for ten minutes"),
    ("shelve", "CODE TIME", "tell nothing of a fault for a time, as in 30m; 0 ends it"),
    ("clear", "CODE|all", "clear a fault and its history"),
    ("test", "crash|hang|oom", "fail on purpose: the records say that it was a test"),
    ("test", "fault CODE [TIME]", "confirm a fault that is not there, marked as a test"),
    ("test", "sensor NAME VALUE [TIME]", "read a value that is not there, for a minute"),
    ("service", "[MINUTES]", "no watchdog for so long (10), behind a reset too"),
    ("restart", "", "start again; what waits is on flash"),
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
                write.line("%-31s %s" % ((name + " " + usage), purpose))


def nearest(word: str) -> str:
    """A hint at the commands that begin as the word does, or at help."""
    like = [name for name, _, _ in WORDS if word and name[0] == word[0]]
    return "try %s" % " or ".join(like) if like else "'help' lists them"


def expect_no_words(name: str, words: list) -> None:
    """WordError when a command that takes none was given words."""
    if words:
        raise WordError("%s %r: %s takes no words" % (name, words[0], name))
