"""Consent: the owner is asked by mail what it costs and who pays, and answers on their page."""

from typing import Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.pricing import PRICED, TERMS
from phonehome_cloud.core.caring import ActionRow, Case, StartError
from phonehome_cloud.core.deciding.situation import LEAD

from . import leads, letters, terms
from .self_help import expect_owner

_DAY_MS: Final = 86_400_000
# A broken appliance is a nuisance: people answer on the same day, or not at all.
REMIND_MS: Final = 2 * _DAY_MS
LAST_MS: Final = 5 * _DAY_MS


def ask(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """Ask the owner whether an action may begin; StartError when nobody can be asked."""
    owner = expect_owner(case)
    if row.kind == LEAD and leads.has_opted_out(connection, owner.id):
        raise StartError("the owner wants no offers")
    if row.kind in PRICED and case.action is not None:
        terms.check_made(connection, case, now_at)
    terms.keep(connection, row, case, now_at)
    _write(connection, row, case, now_at)
    row.due_at = now_at + REMIND_MS


def remind(connection: Connection, row: ActionRow, case: Case, now_at: int) -> int | None:
    """No answer: a reminder, and later the end, which is no consent."""
    if "reminded_at" in row.detail or case.owner is None:
        return None
    row.detail["reminded_at"] = now_at
    _write(connection, row, case, now_at, "again")
    return now_at + LAST_MS


def _write(
    connection: Connection, row: ActionRow, case: Case, now_at: int, again: str = ""
) -> None:
    why = list(case.decision.why) if case.decision else []
    data = {"terms": row.detail[TERMS], "why": why, "is_reminder": bool(again)}
    key = letters.key_of("consent", row.device, row.ticket, row.n, again)
    given = key, "consent", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, expect_owner(case), *given)
