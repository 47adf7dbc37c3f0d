"""What people say to a visit: owners choose and decline, technicians close, the service moves.

Everything here takes the lock of the ticket first, as store.care does.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, update

from phonehome_cloud.core.caring import CANCELLED, FAILED, HELPED, UNDER_WAY
from phonehome_cloud.core.diagnosing.outcomes import say_change, technician_found
from phonehome_cloud.core.digesting import Ticket
from phonehome_cloud.core.tickets import BY_PERSON, CLOSED, is_open
from phonehome_cloud.core.visiting import states
from phonehome_cloud.core.visiting.closing import Closing, check_closing
from phonehome_cloud.core.visiting.invitations import CANCEL, REQUEST
from phonehome_cloud.core.visiting.slots import DAY_MS, Slot
from phonehome_cloud.core.visiting.visit import Key, Visit
from phonehome_cloud.errors import ConflictError

from . import care, people, priors, stock, tickets, visit_letters, visit_times, visits
from .acting import visit_parts
from .acting.visits import UNSAID_MS, call_off, look_again
from .care_tables import action
from .learning import load_seen
from .looking import look

HISTORY_VISIT: Final = "visit"
AWAY, PART_LATE = "technician_away", "part_late"
DECLINED_TEXT: Final = "the owner declined the visit"

# product, spn, fmi -> (product, fault) of the product file, or None.
FindFault = Callable[[str, int, int], Any]


def finder(products: Mapping[str, Any]) -> FindFault:
    """A FindFault of the products that a receiver knows."""

    def find(name: str, spn: int, fmi: int) -> Any:
        product = products.get(name)
        fault = product.find_fault(spn, fmi) if product else None
        return (product, fault) if fault else None

    return find


def choose(connection: Connection, key: Key, start_at: int, who: str, now_at: int) -> Visit:
    """The owner takes one of the times that were proposed last.

    ConflictError when it was taken meanwhile, is too near, or was never proposed; others are
    proposed then by `ask_others`.
    """
    ticket, of = _expect(connection, key)
    if of.is_booked and of.start_at == start_at:
        return of
    wanted = {slot.start_at: slot for slot in visits.list_proposals(connection, of)}
    if start_at not in wanted:
        raise ConflictError("this time is not among those that are proposed now")
    if start_at < now_at:
        raise ConflictError("this time has passed")
    appoint(connection, ticket, of, wanted[start_at], who, now_at)
    return of


def confirm(connection: Connection, key: Key, who: str, now_at: int) -> Visit:
    """The owner agrees to the time that is held for them."""
    ticket, of = _expect(connection, key)
    slot = _slot(of)
    if of.is_booked or slot is None:
        return of
    if slot.start_at < now_at:
        raise ConflictError("this time has passed")
    appoint(connection, ticket, of, slot, who, now_at)
    return of


def ask_for(connection: Connection, key: Key, start_at: int, who: str, now_at: int) -> bool:
    """The owner asks for a time of their own; True when a technician has it, and it is booked."""
    ticket, of = _expect(connection, key)
    slot = visit_times.find_asked(connection, of, start_at, now_at)
    if slot is None:
        return False
    try:
        appoint(connection, ticket, of, slot, who, now_at)
    except ConflictError:
        return False
    return True


def ask_others(connection: Connection, key: Key, who: str, now_at: int) -> tuple[Slot, ...]:
    """Other times than those that were proposed; what is booked stays until one is chosen."""
    ticket, of = _expect(connection, key)
    seen = [slot.start_at for slot in visits.list_proposals(connection, of)]
    slots = visit_times.propose_again(connection, of, now_at, [*seen, of.start_at or 0])
    visits.save(connection, of)
    _note(connection, ticket, of, who, now_at, "other times were asked for")
    return slots


def decline(connection: Connection, key: Key, who: str, now_at: int) -> None:
    """The owner wants no visit: nobody comes, and something else is decided."""
    _, of = _expect(connection, key)
    call_off(connection, of, states.DECLINED, now_at)
    found = care.expect_action(connection, key)
    found.detail["declined"] = True
    care.save_actions(connection, (), [found])
    care.conclude(connection, key, CANCELLED, who, now_at, {"declined": True}, DECLINED_TEXT)


def appoint(
    connection: Connection, ticket: Ticket, of: Visit, slot: Slot, who: str, now_at: int
) -> None:
    """Book a time for a visit and tell everybody, those of the time before as well."""
    old = replace(of)
    visits.book(connection, of, slot, visit_times.TERMS)
    of.move(states.BOOKED, now_at)
    of.sequence += 1
    visits.save(connection, of)
    template = "visit_moved" if old.is_booked else "visit_booked"
    visit_letters.tell_owner(connection, of, template, now_at, REQUEST, why="")
    if old.is_booked and old.technician != of.technician:
        old.sequence = of.sequence
        before = people.find_technician(connection, old.technician or "")
        visit_letters.tell_technician(connection, old, before, now_at, CANCEL)
    driver = people.find_technician(connection, slot.technician)
    visit_letters.tell_technician(connection, of, driver, now_at, REQUEST)
    _set_due(connection, of.key, slot.end_at + UNSAID_MS)
    _note(connection, ticket, of, who, now_at, "the visit is booked")


def move_on(
    connection: Connection, key: Key, why: str, who: str, now_at: int, parts_at: int | None = None
) -> Visit:
    """Its time cannot be kept: the technician is away, or a part is late. The owner gets other
    times, and the best of them is held. When nobody can come any more the visit is called off.
    """
    ticket, of = _expect(connection, key)
    if parts_at is not None:
        of.parts_at = parts_at
    if why == AWAY and visit_parts.leave_van(connection, of):
        payer = care.expect_action(connection, key).payer
        try:
            visit_parts.keep(connection, of, payer, now_at)
        except ConflictError as error:
            why = f"{why}, {error}"
    before = people.find_technician(connection, of.technician or "") if of.is_booked else None
    visits.free(connection, of)
    of.sequence += 1
    if before is not None:
        visit_letters.tell_technician(connection, of, before, now_at, CANCEL)
    slots = visit_times.propose_again(connection, of, now_at)
    held = visit_times.hold_first(connection, of, slots)
    if held is None:
        text = f"{why}, and nobody else can come"
        care.conclude(connection, key, FAILED, who, now_at, {"reason": why}, text)
        return of
    of.move(states.PROPOSED, now_at)
    visits.save(connection, of)
    _set_due(connection, key, look_again(of, now_at))
    visit_letters.tell_owner(connection, of, "visit_moved", now_at, REQUEST, slots, why=why)
    _note(connection, ticket, of, who, now_at, f"the visit moves: {why}")
    return of


def delay(connection: Connection, key: Key, parts_at: int, who: str, now_at: int) -> Visit:
    """A part comes at `parts_at`: a visit that would be earlier moves, another one stays."""
    _, of = _expect(connection, key)
    if of.start_at is not None and of.start_at >= parts_at:
        of.parts_at = parts_at
        visits.save(connection, of)
        return of
    return move_on(connection, key, PART_LATE, who, now_at, parts_at)


def hasten(connection: Connection, key: Key, parts_at: int, who: str, now_at: int) -> Visit:
    """Its parts come at `parts_at`, before it begins: a time that was only held moves to the best
    one there is now. A booked one stays, and its owner is offered earlier times.

    Nothing moves, and nobody is told, unless there is a time that is a day earlier or more.
    """
    ticket, of = _expect(connection, key)
    of.parts_at = parts_at
    visits.save(connection, of)
    start_at = of.start_at or 0
    slots = visit_times.find_slots(connection, of, now_at)
    if not slots or min(slot.start_at for slot in slots) > start_at - DAY_MS:
        return of
    slots = visit_times.propose_again(connection, of, now_at)
    method = None if of.is_booked else REQUEST
    if not of.is_booked and visit_times.hold_first(connection, of, slots) is not None:
        of.sequence += 1
        _set_due(connection, key, look_again(of, now_at))
    visits.save(connection, of)
    visit_letters.tell_owner(connection, of, "visit_earlier", now_at, method, slots)
    _note(connection, ticket, of, who, now_at, "the part comes earlier: earlier times are offered")
    return of


def clear_technician(
    connection: Connection, technician: str, from_at: int, until_at: int, who: str, now_at: int
) -> int:
    """They do not come in a span of time: each of their visits moves; returns how many."""
    keys = visits.list_keys_of(connection, technician, from_at, until_at)
    for key in keys:
        move_on(connection, key, AWAY, who, now_at)
    return len(keys)


def close(
    connection: Connection,
    key: Key,
    closing: Closing,
    who: str,
    find_fault: FindFault,
    now_at: int,
) -> Visit:
    """The technician says how it was: parts leave the stock, causes are learnt, the ticket ends.

    Nobody home is no failure of the repair: something is decided anew. ValueError for a closing
    that cannot be, ConflictError when the visit is not one to close.
    """
    ticket, of = _expect(connection, key)
    if not of.is_booked:
        raise ConflictError("the visit is not booked: nothing is to be closed")
    known = find_fault(ticket.product or "", ticket.spn, ticket.fmi)
    product, fault = known or (None, None)
    causes = [cause.id for cause in fault.causes] if fault else []
    check_closing(closing, causes, [part.number for part in product.parts] if product else [])
    of.move(states.CLOSED, now_at)
    of.closing, of.was_home = closing.to_json(), not closing.nobody_home
    visits.free(connection, of)
    _use_parts(connection, of, closing)
    visits.save(connection, of)
    _teach(connection, ticket, of, fault, closing, who, now_at)
    outcome = HELPED if closing.is_fixed else CANCELLED if closing.nobody_home else FAILED
    care.conclude(connection, key, outcome, who, now_at, of.closing, closing.text or None)
    if closing.is_fixed:
        _close_ticket(connection, key, who, now_at)
    return of


def _expect(connection: Connection, key: Key) -> tuple[Ticket, Visit]:
    ticket = tickets.expect(connection, key[0], key[1])
    of = visits.expect(connection, key)
    if not of.is_under_way:
        raise ConflictError(f"the visit is {of.state}: nothing can be changed any more")
    return ticket, of


def _slot(of: Visit) -> Slot | None:
    if of.technician is None or of.start_at is None or of.end_at is None:
        return None
    return Slot(of.technician, of.start_at, of.end_at, of.p_home or 0.0)


def _set_due(connection: Connection, key: Key, due_at: int) -> None:
    device, number, n = key
    of_it = action.c.device == device, action.c.ticket == number, action.c.n == n
    alive = action.c.state.in_(UNDER_WAY)
    connection.execute(update(action).where(*of_it, alive).values(due_at=due_at))
    look(connection, device, number, due_at)


def _note(
    connection: Connection, ticket: Ticket, of: Visit, who: str, now_at: int, text: str
) -> None:
    """Into the ticket's history; the times are evidence, so that pages can show them in a zone."""
    evidence = {"n": of.action, "technician": of.technician, "sequence": of.sequence}
    evidence |= {"visit_at": of.start_at} if of.start_at else {}
    ticket.note(now_at, who, HISTORY_VISIT, evidence=evidence, text=text)
    tickets.save(connection, (), [ticket])


def _use_parts(connection: Connection, of: Visit, closing: Closing) -> None:
    """What was used has left the depot or the van; what was kept for nothing goes back."""
    used = dict(closing.parts)
    for row in of.parts:
        if row["reservation"]:
            taken = used.pop(row["part"], 0)
            (stock.take if taken else stock.release)(connection, row["reservation"])
            row["reservation"] = None
    for part, pieces in used.items():
        for place in (of.technician or "", ""):
            if _take_from(connection, part, pieces, place):
                break


def _take_from(connection: Connection, part: str, pieces: int, place: str) -> bool:
    """Take pieces that nobody kept; False when the books know of none there."""
    try:
        with connection.begin_nested():
            stock.take(connection, stock.reserve(connection, part, pieces, 0, None, place))
    except ConflictError:
        return False
    return True


def _teach(
    connection: Connection,
    ticket: Ticket,
    of: Visit,
    fault: Any,
    closing: Closing,
    who: str,
    now_at: int,
) -> None:
    """A repair that mended it says what it was: a code that mended nothing was a guess, and what
    took two visits shall not count twice.
    """
    if not closing.is_fixed or closing.cause is None or fault is None or ticket.product is None:
        return
    place = of.device, of.ticket, f"visit/{of.action}"
    seen = load_seen(connection, of.device, of.ticket)
    found = technician_found(place, ticket.product, fault, closing.cause, who, now_at, seen)
    change = priors.teach(connection, found)
    if change is not None:
        text = say_change(fault, change)
        ticket.note(now_at, who, priors.HISTORY_LEARNT, evidence=change, text=text)
        tickets.save(connection, (), [ticket])


def _close_ticket(connection: Connection, key: Key, who: str, now_at: int) -> None:
    ticket = tickets.expect(connection, key[0], key[1])
    if is_open(ticket.state):
        ticket.move(CLOSED, now_at, who, BY_PERSON, text="the technician has mended it")
        tickets.save(connection, (), [ticket])
