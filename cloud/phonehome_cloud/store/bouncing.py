"""Letters that came back: believed only when they went there under that name."""

from typing import Final

from sqlalchemy import Connection, select

from phonehome_cloud.core.telling.bounces import DELAYED, FAILED, Bounce, Verdict

from . import contacts, outbox, posting, unreachable
from .schema import effect

_DELAYED: Final = "delayed"


def take(connection: Connection, bounce: Bounce, now_at: int) -> str:
    """What came of a notification.

    Refused unless its Message-ID is that of a letter of ours, and the address is the one that this
    letter went to: the name is random, so only who saw the letter can know both.
    """
    letter = posting.find(connection, bounce.about.rpartition("@")[0])
    if letter is None:
        return "refused: no letter of ours has this Message-ID"
    mine = [
        (verdict, address)
        for verdict in bounce.verdicts
        for address in verdict.addresses
        if posting.hash_of(address) == letter["address"]
    ]
    if not mine:
        return "refused: the letter did not go to this address"
    verdict, address = mine[0]
    if verdict.action == DELAYED:
        outbox.note_word(connection, letter["key"], _DELAYED, verdict.reason, now_at)
        return f"delayed: {verdict.reason}"
    if verdict.action != FAILED:
        return f"noted: {verdict.action or 'no action'}"
    return _fail(connection, letter["key"], verdict, address, now_at)


def _fail(connection: Connection, key: str, verdict: Verdict, address: str, now_at: int) -> str:
    """It will not arrive, and nothing else will where nobody is there."""
    reason = f"came back: {verdict.reason}"
    if not outbox.bounce(connection, key, reason, now_at):
        return "ignored: it is known that this letter came back"
    if verdict.is_gone:
        contacts.suppress(connection, address, verdict.reason, now_at)
    row = connection.execute(select(effect).where(effect.c.key == key)).one()
    unreachable.add(connection, row, reason, now_at)
    return f"bounced: {verdict.reason}"
