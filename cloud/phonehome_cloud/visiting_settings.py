"""The settings of visits: the mailbox that calendars answer to."""

from typing import Any, Final

from .core.visiting.postbox import parse_postbox
from .setting import Secret, Setting, read_text, read_whole


def _postbox(value: Any) -> Secret | None:
    if value == "":
        return None
    parse_postbox(read_text(value))
    return Secret(value)


VISITING_SETTINGS: Final = (
    Setting(
        "mailbox.url",
        "",
        _postbox,
        "`imaps://user:password@host[:993][/folder]`, `imap+starttls://...[:143]`, "
        "`imap://...@localhost`, or empty",
        "The mailbox of the service desk's address and of `mail.sender`, where calendars answer "
        "to invitations and letters come back; nothing in it is marked or moved.",
    ),
    Setting(
        "mailbox.ca",
        "",
        read_text,
        "a path of a PEM file, or empty",
        "Who signed that server's certificate.",
    ),
    Setting(
        "mailbox.every_s",
        60,
        read_whole(1, 3600),
        "seconds, a whole number from 1 to 3600",
        "How often it is looked at.",
    ),
)
