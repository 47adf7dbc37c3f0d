"""Parts that only several have together: an order for each, and the action waits for the last."""

import base64
from dataclasses import replace

import pytest
from sqlalchemy import insert, select, update

from phonehome_cloud.core.acting import part_orders
from phonehome_cloud.core.acting.part_orders import OrderKey
from phonehome_cloud.core.caring import RUNNING, ActionRow, StartError
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import (
    acting,
    care,
    looking,
    owner_page,
    pursuing,
    supplying,
    tickets,
    visit_answers,
    visits,
)
from phonehome_cloud.store.acting_tables import part_order, step
from phonehome_cloud.store.people_tables import part, reservation, stock, supplier
from phonehome_cloud.store.schema import ticket_event
from tests.cloud.kettle import DAY, DEVICE
from tests.cloud.remedies import PRODUCT
from tests.cloud.visited import DEVICE as VISITED
from tests.cloud.visited import KEY, NOW, case_of, letters, opened

LIDS, SEALS = OrderKey(DEVICE, 1, 0), OrderKey(DEVICE, 1, 0, 2)
PUMP, SIEVE = OrderKey(*KEY), OrderKey(*KEY, 2)


def sell_seals(home, lead_days=5):
    """Another supplier has the seals."""

    def add(connection):
        row = {"supplier": "seals", "name": "Seals & Sons", "mail": "seals@seals.example"}
        row |= {"language": "en", "lead_days": lead_days, "updated_at": home.clock()}
        connection.execute(supplier.insert().values(row))
        row = {"part": "K-SEAL-1", "title": "Seal", "price_cents": 200, "currency": "EUR"}
        row |= {"supplier": "seals", "updated_at": home.clock()}
        connection.execute(part.insert().values(row))

    home.do(add)


def begin(home, lids=0):
    """A kettle that needs a lid and a seal, of which the depot has so many lids."""
    home.stock_lids(lids, lead_days=None if lids else 3)
    sell_seals(home)
    home.start("new_lid_and_seal")


def send_out(home):
    """The window has closed."""
    home.clock.advance(part_orders.CANCEL_WINDOW_MS)
    home.pursue()


def say(home, key, said, event=None, **detail):
    """A supplier's word about one of the orders."""
    given = key, event or f"{key.number}-{said}", said, detail, "supplier:x", home.clock()
    return home.do(supplying.take, *given, lambda _: home.product)


def states(home):
    """Of each order, what it has come to and who packs it."""
    return [(row["state"], row["supplier"]) for row in home.rows(part_order)]


def told_of(home):
    """The texts of the history."""
    return [row["text"] for row in home.rows(ticket_event) if row["text"]]


def test_each_supplier_has_an_order_of_their_own(home):
    """With its own number, document and key; the owner hears of all of it once, with the sum."""
    begin(home)
    assert states(home) == [("held", "lids"), ("held", "seals")]
    ((_, _, data),) = home.letters("part_ordered")
    assert (data["total"], data["parcels"]) == ("11.50 EUR", 2)
    assert data["order"] == f"{DEVICE}-1-0, {DEVICE}-1-0-2"
    assert [line["part"] for line in data["lines"]] == ["K-LID-1", "K-SEAL-1"]
    send_out(home)
    sent = {to: data for to, _, data in home.letters("part_order")}
    assert set(sent) == {"supplier:lids", "supplier:seals"}
    assert [line["part"] for line in sent["supplier:seals"]["lines"]] == ["K-SEAL-1"]
    assert sent["supplier:seals"]["total"] == "2.00 EUR"
    assert sent["supplier:seals"]["callback"] == f"/supplier/orders/{DEVICE}-1-0-2"
    for _ in range(2):  # two workers look, and look again: nothing is sent twice
        home.pursue()
    assert len(home.letters("part_order")) == 2


def test_the_depot_packs_what_it_has(home):
    """A lid lies there and is kept, the seal is ordered: two parcels."""
    begin(home, lids=1)
    assert states(home) == [("held", None), ("held", "seals")]
    assert home.free_lids() == 0
    send_out(home)
    assert [to for to, *_ in home.letters("part_pick")] == ["desk"]
    assert [to for to, *_ in home.letters("part_order")] == ["supplier:seals"]


def test_the_action_waits_for_the_last(home):
    """Steps and the question whether it helped come with the second parcel, not with the first;
    the letter about the first says that there is another.
    """
    begin(home)
    send_out(home)
    say(home, SEALS, "delivered")
    assert home.rows(step) == []
    (first,) = [data for _, _, data in home.letters("part_news")]
    assert (first["order"], first["awaited"], first["parcels"]) == (f"{DEVICE}-1-0-2", 1, 2)
    assert told_of(home)[-1] == (
        f"order {DEVICE}-1-0-2: delivered; for the same action order {DEVICE}-1-0 is sent"
    )
    assert say(home, LIDS, "back_ordered", expected_at=home.clock() + 9 * DAY) == "back_ordered"
    assert home.action().state == RUNNING
    assert home.rows(step) == []
    say(home, LIDS, "delivered")
    assert [row["state"] for row in home.rows(step)] == ["open", "waiting"]
    assert home.action().due_at == home.clock() + part_orders.FITTING_MS
    assert say(home, SEALS, "delivered") == "delivered"  # again: nothing more
    assert len(home.rows(step)) == 2


def test_one_that_is_refused_ends_the_action(home):
    """What was not sent yet is not sent; the reason is the action's."""
    begin(home)
    home.do(lambda c: c.execute(update(part_order).values(state="sent").where(_is(LIDS))))
    say(home, LIDS, "refused", reason="out of production")
    assert home.action().state == "failed"
    assert [state for state, _ in states(home)] == ["refused", "cancelled"]
    assert "out of production" in told_of(home)


def _is(key):
    return part_order.c.number == key.number


@pytest.mark.parametrize("key", [LIDS, SEALS])
def test_taken_back_is_all_of_it(home, key):
    """Whichever is named: what the depot kept is free again, and the action is cancelled."""
    begin(home, lids=1)

    def cancel(connection):
        ticket = tickets.expect(connection, DEVICE, 1)
        owner_page.cancel_part(connection, ticket, key, "token:ops", home.clock())

    home.do(cancel)
    assert [state for state, _ in states(home)] == ["cancelled", "cancelled"]
    assert (home.action().state, home.free_lids(), home.rows(reservation)) == ("cancelled", 1, [])


def test_what_was_sent_is_not_taken_back(home):
    """The owner, when a part of it is on its way already: nothing changes."""
    begin(home)
    home.do(lambda c: c.execute(update(part_order).values(state="sent").where(_is(SEALS))))
    token = home.page().rpartition("/")[2]
    with pytest.raises(ConflictError, match="ask the supplier"):
        home.do(owner_page.cancel_order, token, 0, home.clock())
    assert [state for state, _ in states(home)] == ["held", "sent"]


def test_a_part_that_nobody_has(home):
    """The action does not start, and keeps nothing of what the depot has."""
    home.stock_lids(1)
    with pytest.raises(StartError, match="nobody has part K-SEAL-1"):
        home.start("new_lid_and_seal")
    assert (home.free_lids(), home.rows(part_order)) == (1, [])


# ---- a visit ----------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path, each_database):
    """A home whose pump and sieve two suppliers have, in 6 days and in 12."""
    with opened(tmp_path, pumps=0) as made:

        def sell(connection):
            for name, days in (("pumps", 6), ("sieves", 12)):
                row = {"supplier": name, "name": name, "mail": f"orders@{name}.example"}
                row |= {"language": "en", "lead_days": days, "updated_at": NOW}
                connection.execute(insert(supplier), row)
            connection.execute(update(part).values(supplier="pumps", price_cents=4890))
            row = {"part": "SIEVE-1", "title": "Sieve", "price_cents": 600, "currency": "EUR"}
            connection.execute(insert(part), row | {"supplier": "sieves", "updated_at": NOW})

        made.write_now(sell)
        yield made


def begin_visit(connection):
    """A visit that needs both."""
    looking.look(connection, VISITED, 1, NOW)
    row = ActionRow(VISITED, 1, 0, "visit", "swap_pump", RUNNING, "rule", "warranty", NOW)
    care.save_actions(connection, [row], ())
    case = case_of(connection)
    both = replace(case.action, parts=("PUMP-1", "SIEVE-1"))
    acting.STARTS["visit"](connection, row, acting_case(case, both), NOW)
    care.save_actions(connection, (), [row])
    return visits.expect(connection, KEY)


def acting_case(case, action):
    """The case with another action."""
    return type(case)(case.ticket, case.product, case.fault, action, None, None, None, *_who(case))


def _who(case):
    return case.owner, case.appliance


def hear(database, key, said, now_at, **detail):
    """A supplier's word."""
    given = key, f"{key.number}-{said}-{now_at}", said, detail, "supplier:x", now_at
    return database.write_now(supplying.take, *given, lambda _: PRODUCT)


def orders(database):
    """(number, state, supplier, destination) of each order."""
    query = select(part_order).order_by(part_order.c.number)
    rows = database.read_now(lambda c: c.execute(query).all())
    return [(row.number, row.state, row.supplier, row.destination) for row in rows]


def sent(database, now_at=NOW + 31 * 60_000):
    """The window has closed: the orders go out."""
    for due in database.read_now(pursuing.find_due, now_at):
        database.write_now(pursuing.pursue, due, now_at)


def test_the_visits_times_wait_for_the_latest(database):
    """Two orders to the depot, nothing for the desk to do, and no time before the sieve is there;
    when it is said to be later still, the visit moves; the pump's arrival moves nothing.
    """
    of = database.write_now(begin_visit)
    assert orders(database) == [(1, "held", "pumps", "depot"), (2, "held", "sieves", "depot")]
    assert of.start_at >= of.parts_at > NOW + 12 * DAY
    assert not [one for one in database.read_now(letters) if one[1] == "visit_parts"]
    sent(database)
    papers = [one for one in database.read_now(letters) if one[1] == "part_order"]
    documents = [base64.b64decode(files[0]["content"]).decode() for *_, files in papers]
    assert sorted(text.splitlines()[0] for text in documents) == [
        f"ORDER {VISITED}-1-0",
        f"ORDER {VISITED}-1-0-2",
    ]
    booked = database.write_now(visit_answers.confirm, KEY, "owner", NOW + DAY)
    hear(database, PUMP, "delivered", NOW + 3 * DAY)
    now = database.read_now(visits.read, KEY)
    assert (now.state, now.start_at) == ("booked", booked.start_at)
    assert [bool(row["reservation"]) for row in now.parts] == [True, False]
    late = NOW + 30 * DAY
    hear(database, SIEVE, "back_ordered", NOW + 4 * DAY, expected_at=late)
    moved = database.read_now(visits.read, KEY)
    assert moved.state == "proposed"
    assert moved.start_at > late
    hear(database, SIEVE, "delivered", NOW + 20 * DAY)
    there = database.read_now(visits.read, KEY)
    assert all(row["reservation"] for row in there.parts)
    assert there.start_at < late
    lying = database.read_now(lambda c: c.execute(select(stock.c.part, stock.c.reserved)).all())
    assert sorted(tuple(row) for row in lying) == [("PUMP-1", 1), ("SIEVE-1", 1)]


def test_a_pump_that_is_late_but_not_the_last_moves_nothing(database):
    """Its new day is before the sieve's: the visit stays when it is."""
    database.write_now(begin_visit)
    sent(database)
    before = database.write_now(visit_answers.confirm, KEY, "owner", NOW + DAY)
    hear(database, PUMP, "back_ordered", NOW + DAY, expected_at=NOW + 9 * DAY)
    after = database.read_now(visits.read, KEY)
    assert (after.state, after.start_at, after.sequence) == (
        "booked",
        before.start_at,
        before.sequence,
    )


def test_one_that_is_refused_ends_the_visit(database):
    """Something else is decided; what is on its way still comes to the depot, and is followed."""
    database.write_now(begin_visit)
    sent(database)
    hear(database, SIEVE, "refused", NOW + DAY, reason="out of production")
    assert orders(database) == [(1, "sent", "pumps", "depot"), (2, "refused", "sieves", "depot")]
    assert not database.read_now(visits.read, KEY).is_under_way
    hear(database, PUMP, "delivered", NOW + 6 * DAY)
    lying = database.read_now(lambda c: c.execute(select(stock.c.part, stock.c.pieces)).all())
    assert ("PUMP-1", 1) in [tuple(row) for row in lying]


def test_the_desk_takes_one_back(database):
    """The visit stays, and the history says what else is on its way."""
    database.write_now(begin_visit)

    def cancel(connection):
        ticket = tickets.expect(connection, VISITED, 1)
        owner_page.cancel_part(connection, ticket, SIEVE, "token:ops", NOW + 60_000)

    database.write_now(cancel)
    assert [state for _, state, *_ in orders(database)] == ["held", "cancelled"]
    assert database.read_now(visits.read, KEY).is_under_way
    texts = database.read_now(lambda c: c.execute(select(ticket_event.c.text)).scalars().all())
    assert (
        f"order {VISITED}-1-0-2 was taken back; the visit stays; for the same action order "
        f"{VISITED}-1-0 is held"
    ) in texts
