"""Leads: what the sales desk gets when no repair makes sense and the owner wants to hear of it."""

from typing import Any, Final

from sqlalchemy import Connection, Row, RowMapping, select, tuple_, update

from phonehome_cloud.core.acting import leads as core
from phonehome_cloud.core.acting.leads import OPTED_OUT, TOLD
from phonehome_cloud.core.caring import ActionRow, Case
from phonehome_cloud.core.people.desks import SALES
from phonehome_cloud.core.telling.effect import WEBHOOK, Effect
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.store import effects, hooks, people
from phonehome_cloud.store.acting_tables import lead
from phonehome_cloud.store.people_tables import appliance, owner

from . import letters
from .self_help import expect_owner

_DAY_MS: Final = 86_400_000
# Sales calls within days; a lead that nobody closes within a month is nobody's.
CLOSE_WITHIN_MS: Final = 30 * _DAY_MS
_EXPIRES_MS: Final = 7 * _DAY_MS


def start(connection: Connection, row: ActionRow, case: Case, now_at: int) -> None:
    """The owner agreed: the sales desk gets name, reasons and what to reach them by."""
    who = expect_owner(case)
    age_days = case.appliance.age_days(now_at) if case.appliance else None
    worth = worth_of(case, age_days)
    reasons = worth.say("en")  # as the desk and spreadsheets read them
    values = {"device": row.device, "ticket": row.ticket, "action": row.n, "state": TOLD}
    given = {"owner": who.id, "reasons": reasons, "age_days": age_days, "offered_at": now_at}
    connection.execute(lead.insert().values(**values, **given, product=case.ticket.product))
    _tell_sales(connection, row, case, worth, now_at)
    row.due_at = now_at + CLOSE_WITHIN_MS


def worth_of(case: Case, age_days: int | None) -> core.Worth:
    """Why no repair makes sense."""
    service = case.product.service if case.product else None
    causes = case.diagnosis.causes if case.diagnosis else ()
    cause = (causes[0].title, causes[0].probability) if causes else None
    currency, years = (service.currency, service.life_years) if service else ("", None)
    return core.weigh(case.decision, cause, currency, age_days, years)


def _tell_sales(
    connection: Connection, row: ActionRow, case: Case, worth: core.Worth, now_at: int
) -> None:
    """A letter in the language of the sales desk, and an event where somebody takes it."""
    who, language = expect_owner(case), people.find_desk(connection, SALES).language
    titles = case.product.words.get(language, {}) if case.product else {}
    data = {
        "owner": {"name": who.name, "mail": who.mail, "phone": who.phone},
        "reasons": worth.say(language, titles),
    }
    key = letters.key_of("lead", row.device, row.ticket, row.n)
    given = key, "lead", data, row.device, row.ticket, now_at
    letters.tell_desk(connection, *given, desk=SALES)
    if hooks.maybe_for(connection, SALES) is None:
        return
    data["reasons"] = worth.say("en")
    hooked = letters.key_of("lead-hook", row.device, row.ticket, row.n)
    about = {"ticket_id": ticket_id(row.device, row.ticket), **data}
    times = now_at, now_at + _EXPIRES_MS
    effect = Effect(hooked, WEBHOOK, SALES, "lead.wanted", about, row.device, row.ticket, *times)
    effects.add(connection, effect, now_at)


def opt_out(connection: Connection, row: ActionRow, who: str, now_at: int) -> None:
    """The owner wants no offers, now or ever; the caller declines the action."""
    values = {"device": row.device, "ticket": row.ticket, "action": row.n, "state": OPTED_OUT}
    given = {"owner": who, "reasons": [], "offered_at": now_at, "ended_at": now_at}
    connection.execute(lead.insert().values(**values, **given))


def has_opted_out(connection: Connection, who: str) -> bool:
    """Whether an owner wants no offers."""
    query = select(lead.c.device).where(lead.c.owner == who, lead.c.state == OPTED_OUT).limit(1)
    return connection.execute(query).first() is not None


def end(connection: Connection, row: ActionRow, now_at: int) -> None:
    """The matter is over."""
    key = lead.c.device == row.device, lead.c.ticket == row.ticket, lead.c.action == row.n
    open_ = lead.c.ended_at.is_(None)
    connection.execute(update(lead).where(*key, open_).values(state=row.state, ended_at=now_at))


def list_newest(
    connection: Connection, before: tuple[int, str, int, int] | None, limit: int
) -> list[RowMapping]:
    """Leads with who wants them, the newest first; of those who opted out nothing but that."""
    query = (
        select(lead, owner.c.name, owner.c.mail, owner.c.phone, appliance.c.serial)
        .outerjoin(owner, owner.c.owner == lead.c.owner)
        .outerjoin(appliance, appliance.c.device == lead.c.device)
        .where(lead.c.state != OPTED_OUT)
    )
    if before is not None:
        at, *rest = before
        older = lead.c.offered_at < at
        key = tuple_(lead.c.device, lead.c.ticket, lead.c.action)
        same = (lead.c.offered_at == at) & (key > tuple(rest))
        query = query.where(older | same)
    order = lead.c.offered_at.desc(), lead.c.device, lead.c.ticket, lead.c.action
    return list(connection.execute(query.order_by(*order).limit(limit)).mappings())


def find(connection: Connection, dev: str, number: int, n: int) -> Row[Any] | None:
    """The lead of an action; None when it has none."""
    key = lead.c.device == dev, lead.c.ticket == number, lead.c.action == n
    return connection.execute(select(lead).where(*key)).first()
