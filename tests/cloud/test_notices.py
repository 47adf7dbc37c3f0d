"""What a ticket's change says to the outside: events at once, notices that are worth reading."""

import json
from operator import itemgetter

import pytest

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.considering import Knowledge
from phonehome_cloud.core.telling.retrying import Sent
from phonehome_cloud.store import (
    care,
    care_tables,
    considering,
    looking,
    people_tables,
    schema,
)
from phonehome_cloud.store import notices as notice_store
from phonehome_cloud.workers.caring import Caring
from tests.cloud.household import CareCounts
from tests.cloud.outgoing import DAY_MS, NOON, teller
from tests.fakes.appliance import Appliance, fault
from tests.fakes.subscriber import subscriber

pytestmark = pytest.mark.usefixtures("each_database")

PATIENCE_MS = 15 * 60_000
AWAKE = {"TELLING_QUIET": "00:00-00:00", "WEBHOOKS_NETWORKS": "127.0.0.0/8"}


class Recorder:
    """A sender that keeps letters, and lets events go."""

    def __init__(self, sender, letters):
        self._sender = sender
        self._letters = letters

    async def send(self, parcel):
        if parcel.row.kind == "webhook":
            return await self._sender.send(parcel)
        self._letters.append(parcel.row)
        return Sent()


@pytest.fixture
async def desk(tmp_path):
    """A receiver with an owned washer, whose letters are kept in `letters`."""
    letters = []
    with teller(tmp_path, join=lambda sender: Recorder(sender, letters), **AWAKE) as made:
        made.letters = letters
        knowledge = Knowledge(Catalogue(()))
        made.caring = Caring(made.database, knowledge, made.clock, CareCounts())
        made.washer = Appliance()
        await made.receiver.register(made.washer)
        await made.add_owner()
        await made.database.write(own, made.washer.device)
        yield made


def own(connection, device):
    """The washer is theirs."""
    row = {"device": device, "owner": "7", "grants": {}, "updated_at": NOON}
    connection.execute(people_tables.appliance.insert().values(row))


async def break_down(desk, seq=0):
    """The washer says that a fault was confirmed."""
    now_ms = 60_000 + desk.clock() - NOON
    message = desk.washer.message([fault(seq, ms=now_ms)], now_ms=now_ms)
    await desk.receiver.accept(message)
    await desk.receiver.digest_all()
    await desk.caring.step()
    (ticket,) = await desk.receiver.rows(schema.ticket)
    return ticket


async def resolve(desk, ticket, state="resolved"):
    """A person changes its state."""
    change = ticket.device, ticket.number, state, "token:anna", desk.clock(), "done"
    await desk.database.write(care.change_state, *change)
    await desk.caring.step()


async def test_an_owner_hears_of_a_fault_once_and_of_its_end(desk):
    """After some patience, with a link to their page; and when it is over."""
    ticket = await break_down(desk)
    await desk.tell()
    assert desk.letters == []
    desk.clock.advance(PATIENCE_MS)
    await desk.tell()
    await resolve(desk, ticket)
    await desk.tell()
    opened, resolved = desk.letters
    assert (opened.template, resolved.template) == ("ticket_opened", "ticket_resolved")
    assert opened.recipient == "owner:7"
    assert opened.data["fault"] == ticket.title
    assert opened.data["link"].startswith("/o/")
    assert (opened.device, opened.ticket) == (ticket.device, ticket.number)
    assert resolved.data["by_device"] is False


async def test_what_is_over_soon_is_not_told_at_all(desk):
    """Nobody reads of a fault that was, and then of its end."""
    ticket = await break_down(desk)
    desk.clock.advance(PATIENCE_MS - 1000)
    await resolve(desk, ticket)
    desk.clock.advance(DAY_MS)
    await desk.tell()
    assert desk.letters == []
    (row,) = await notices(desk)
    assert (row.state, row.failure) == ("cancelled", "it was over before anybody was told")


async def test_a_better_letter_makes_the_notice_needless(desk):
    """Who was sent steps that help knows of the fault."""
    ticket = await break_down(desk)
    about = {"device": ticket.device, "ticket": ticket.number}
    await desk.add("steps", template="self_help", weight="service", **about)
    await desk.tell()
    desk.clock.advance(PATIENCE_MS)
    await desk.tell()
    assert [row.key for row in desk.letters] == ["steps"]


async def test_a_thousand_tickets_of_one_incident_are_no_thousand_letters(desk):
    """What is part of an incident is told by whoever decides about that."""
    ticket = await break_down(desk)
    of_it = care_tables.care.c.device == ticket.device
    update = care_tables.care.update().where(of_it).values(incident="20261118-1")
    await desk.database.write(lambda connection: connection.execute(update))
    desk.clock.advance(PATIENCE_MS)
    await desk.tell()
    assert desk.letters == []


async def test_a_fault_of_nobodys_device_writes_no_letter(desk):
    """An appliance without an owner has nobody to be told."""
    await desk.database.write(
        lambda connection: connection.execute(
            people_tables.appliance.update().values(owner=None, owned_at=None)
        )
    )
    await break_down(desk)
    assert {row.recipient for row in (await desk.rows()).values()} == {"desk"}


async def test_every_change_is_an_event_for_who_subscribes(desk):
    """Opened, resolved, reopened, closed: in this order, each with an id of its own."""
    async with subscriber() as there:
        await desk.add_hook(there.url, None, "ticket.")
        ticket = await break_down(desk)
        for state in ("acknowledged", "open", "resolved", "", "closed"):
            desk.clock.advance(120_000)
            await (resolve(desk, ticket, state) if state else break_down(desk, 1))
            await desk.tell()
    events = [json.loads(body) for _, _, body in there.calls]
    assert [event["type"].removeprefix("phonehome.ticket.") for event in events] == [
        "opened",
        "resolved",
        "reopened",
        "closed",
    ]
    assert len({event["id"] for event in events}) == 4
    assert {event["subject"] for event in events} == {f"{ticket.device}-{ticket.number}"}
    assert [event["data"]["state"] for event in events] == ["open", "resolved", "open", "closed"]


async def test_what_is_rolled_back_is_not_told(desk):
    """The effect is written with the change, or not at all."""
    ticket = await break_down(desk)

    def fail(connection):
        change = ticket.device, ticket.number, "closed", "token:anna", NOON, "done"
        care.change_state(connection, *change)
        raise RuntimeError("the lamp went out")

    before = await desk.rows()
    with pytest.raises(RuntimeError):
        await desk.database.write(fail)
    await desk.caring.step()
    assert await desk.rows() == before


async def test_the_digest_marks_and_the_care_loop_tells(desk):
    """The digest writes no letter, only that there is something to tell; that is told once."""
    message = desk.washer.message([fault(0)], now_ms=60_000)
    await desk.receiver.accept(message)
    await desk.receiver.digest_all()
    assert await desk.rows() == {}
    assert await marks(desk) == [(0, 1)]
    await desk.caring.step()
    assert [row.key.split(":", 1)[1] for row in await notices(desk)] == [
        f"{desk.washer.device}-1:0:owner"
    ]
    ((told, events),) = await marks(desk)
    assert told == events > 1
    links = await desk.receiver.rows(people_tables.link)
    await desk.database.write(looking.look, desk.washer.device, 1, desk.clock())
    await desk.caring.step()
    assert await desk.receiver.rows(people_tables.link) == links


async def test_what_happened_before_anybody_looked_is_told_in_its_order(desk):
    """Opened and closed before the care loop came: two events, and no letter that is too late."""
    async with subscriber() as there:
        await desk.add_hook(there.url, None, "ticket.")
        await desk.receiver.accept(desk.washer.message([fault(0)], now_ms=60_000))
        await desk.receiver.digest_all()
        desk.clock.advance(1000)
        change = desk.washer.device, 1, "closed", "token:anna", desk.clock(), "done"
        await desk.database.write(care.change_state, *change)
        await desk.caring.step()
        await desk.tell()
    events = sorted((json.loads(body) for _, _, body in there.calls), key=itemgetter("time"))
    assert [event["data"]["state"] for event in events] == ["open", "closed"]
    assert [row.state for row in await notices(desk)] == ["cancelled"]


async def test_what_cannot_be_considered_is_told_all_the_same(desk, monkeypatch):
    """A ticket that is set aside has an owner and subscribers like any other."""

    def spoilt(*_args, **_more):
        raise ValueError("nobody knows this product")

    monkeypatch.setattr(considering, "consider", spoilt)
    await break_down(desk)
    assert [row.state for row in await notices(desk)] == ["waiting"]
    assert await marks(desk) == [(1, 1)]
    (row,) = await desk.receiver.rows(care_tables.care)
    assert (row.due_at, row.failure) == (None, "ValueError: nobody knows this product")


async def test_what_cannot_be_told_is_told_by_the_next_look(desk, monkeypatch):
    """Nothing is marked as told that was not, and the ticket says why."""

    def spoilt(*_args):
        raise ValueError("no such page")

    monkeypatch.setattr(notice_store, "make_pages", spoilt)
    await break_down(desk)
    assert await notices(desk) == []
    assert await marks(desk) == [(0, 1)]
    monkeypatch.undo()
    await desk.database.write(looking.look, desk.washer.device, 1, desk.clock())
    await desk.caring.step()
    assert [row.state for row in await notices(desk)] == ["waiting"]


async def notices(desk):
    """The letters that say that a ticket was opened."""
    return [row for row in (await desk.rows()).values() if row.template == "ticket_opened"]


async def marks(desk):
    """Of each ticket how many rows of its history are told, and how many there are."""
    cares = await desk.receiver.rows(care_tables.care, care_tables.care.c.device)
    tickets = await desk.receiver.rows(schema.ticket, schema.ticket.c.device)
    return [(row.told, of.events) for row, of in zip(cares, tickets, strict=True)]
