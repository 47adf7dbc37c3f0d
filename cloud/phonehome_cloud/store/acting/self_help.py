"""Self-help: numbered steps to the owner, who says whether they helped, unless the device does."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting import steps as core
from phonehome_cloud.core.caring import HELPED, ActionRow, Case, StartError
from phonehome_cloud.core.deciding.situation import UNANSWERED
from phonehome_cloud.core.people.owners import Owner

from . import heard, letters, steps

_DAY_MS: Final = 86_400_000
# Read on the same day, done at the weekend: a reminder after two days, another way after five.
REMIND_MS: Final = 2 * _DAY_MS
LAST_MS: Final = 3 * _DAY_MS
# The command of the product's allow-list that has a device read its sensors again.
REREAD: Final = "reread"


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Send the steps; StartError when there is nobody to send them to."""
    owner = expect_owner(case)
    wording = expect_article(case).in_language(owner.language)
    steps.add(
        connection, row.key, [write_proof(s.proof, case.product) for s in wording.steps], now_at
    )
    _write(connection, row, owner, wording, now_at)
    row.due_at = now_at + REMIND_MS


def due(connection: Connection, row: ActionRow, case: Case, now_at: int) -> int | None:
    """Nobody said anything: a reminder, and later the end."""
    if "reminded_at" in row.detail or case.owner is None:
        if not steps.has_begun(connection, row.key):
            row.detail[UNANSWERED] = True  # says nothing about the causes
        return None
    row.detail["reminded_at"] = now_at
    wording = expect_article(case).in_language(case.owner.language)
    _write(connection, row, case.owner, wording, now_at, "again")
    return now_at + LAST_MS


def end(connection: Connection, row: ActionRow, now_at: int) -> None:
    """Close the steps; where the device healed, it has proven those that were left."""
    evidence = None
    if row.state == HELPED:
        evidence = heard.find_healed(connection, row.device, row.ticket, row.started_at)
    steps.end_all(connection, row.key, now_at, evidence)


def expect_owner(case: Case) -> Owner:
    """The owner, who can be written to; StartError."""
    owner: Owner | None = case.owner
    if owner is None:
        raise StartError("nobody knows the owner of this appliance")
    if owner.mail is None:
        raise StartError("nobody knows the owner's mail address")
    return owner


def expect_article(case: Case) -> Any:
    """The article of an action; StartError when the product file has lost it."""
    name = case.action.article if case.action else None
    article = case.product.find_article(name) if case.product and name else None
    if article is None:
        raise StartError(f"the product file has no article {name!r}")
    return article


def write_proof(given: Any, product: Any) -> dict[str, Any] | None:
    """The proof of a step with what is needed to read it on the wire; None when it has none."""
    proof = core.write_proof(given)
    if proof is None:
        return None
    sensor = next(s for s in product.sensors if s.name == given.sensor)
    command = product.find_command(REREAD)
    code = command.code if command and isinstance(command.code, int) else None
    return {**proof, "channel": sensor.channel, "exp": sensor.exp, "code": code}


def _write(
    connection: Connection,
    row: ActionRow,
    owner: Owner,
    wording: Any,
    now_at: int,
    again: str = "",
) -> None:
    data: Mapping[str, Any] = {
        "title": wording.title,
        "steps": [step.text for step in wording.steps],
        "is_reminder": bool(again),
    }
    key = letters.key_of("steps", row.device, row.ticket, row.n, again)
    given = key, "self_help", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, owner, *given)
