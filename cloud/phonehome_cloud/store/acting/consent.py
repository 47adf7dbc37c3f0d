"""Consent: the owner is asked by mail what it costs and who pays, and answers on their page."""

from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.part_orders import money
from phonehome_cloud.core.caring import ActionRow, Case, StartError
from phonehome_cloud.core.deciding.situation import LEAD, OWNER, PART, VISIT

from . import leads, letters, parts
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
    row.detail["terms"] = terms_of(connection, row, case, now_at)
    _write(connection, row, case, now_at)
    row.due_at = now_at + REMIND_MS


def remind(connection: Connection, row: ActionRow, case: Case, now_at: int) -> int | None:
    """No answer: a reminder, and later the end, which is no consent."""
    if "reminded_at" in row.detail or case.owner is None:
        return None
    row.detail["reminded_at"] = now_at
    _write(connection, row, case, now_at, "again")
    return now_at + LAST_MS


def terms_of(connection: Connection, row: ActionRow, case: Case, now_at: int) -> dict[str, Any]:
    """What the owner agrees to: what is done, what of it they pay, and who pays the rest."""
    cents, currency = 0, case.product.service.currency if _has_service(case) else "EUR"
    if case.action is not None and case.action.parts:
        lines, currency = parts.price(connection, case, now_at)
        cents = sum(line.price * line.count for line in lines)
    is_owners = row.payer == OWNER
    return {
        "kind": row.kind,
        "parts": [] if case.action is None else list(case.action.parts),
        "price": money(cents, currency) if row.kind in _PRICED else "",
        "owner_pays": money(cents if is_owners else 0, currency),
        "payer": row.payer,
        "minutes": case.action.minutes if case.action else None,
    }


def _has_service(case: Case) -> bool:
    return case.product is not None and case.product.service is not None


def _write(
    connection: Connection, row: ActionRow, case: Case, now_at: int, again: str = ""
) -> None:
    why = list(case.decision.why) if case.decision else []
    data = {"terms": row.detail["terms"], "why": why, "is_reminder": bool(again)}
    key = letters.key_of("consent", row.device, row.ticket, row.n, again)
    given = key, "consent", data, row.device, row.ticket, now_at
    letters.tell_owner(connection, expect_owner(case), *given)


_PRICED: Final = frozenset((PART, VISIT))
