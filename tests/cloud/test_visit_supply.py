"""Parts of a visit: from the depot, a van or a supplier, and what suppliers say of them since."""

import base64

import pytest
import vobject
from sqlalchemy import delete, insert, select, update

from phonehome_cloud.core.acting.part_orders import OrderKey
from phonehome_cloud.core.caring import FAILED, StartError
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import care, owner_page, pursuing, supplying, tickets, visits
from phonehome_cloud.store import visit_answers as answers
from phonehome_cloud.store.acting_tables import part_order
from phonehome_cloud.store.people_tables import part, reservation, stock, supplier
from tests.cloud.remedies import PRODUCT
from tests.cloud.visited import (
    DEVICE,
    KEY,
    NOW,
    at,
    begin,
    go_away,
    letters,
    opened,
)

pytestmark = pytest.mark.usefixtures("each_database")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.fixture
def database(tmp_path):
    """A database with a home, its service, and a supplier who has the pump in six days."""
    with opened(tmp_path, pumps=0) as made:

        def sell(connection):
            row = {"supplier": "pumps", "name": "Pumps Ltd", "mail": "orders@pumps.example"}
            row |= {"language": "en", "lead_days": 9, "updated_at": NOW}
            connection.execute(insert(supplier), row)
            connection.execute(update(part).values(supplier="pumps", price_cents=4890))

        made.write_now(sell)
        yield made


def put_in_van(database, *names):
    """A pump in the van of each of these technicians."""
    rows = [{"part": "PUMP-1", "van": name, "pieces": 1} for name in names]
    database.write_now(lambda c: c.execute(insert(stock), rows))


def order_of(database):
    """The order of the visit; None without one."""
    return database.read_now(lambda c: c.execute(select(part_order)).mappings().first())


def lying(database):
    """{where: (pieces, reserved)} of pumps."""
    rows = database.read_now(lambda c: c.execute(select(stock)).all())
    return {row.van: (row.pieces, row.reserved) for row in rows}


def visit_of(database):
    """The visit as it is."""
    return database.read_now(visits.read, KEY)


def send_out(database, now_at=NOW + 31 * 60_000):
    """The window has closed: the order goes out."""
    for due in database.read_now(pursuing.find_due, now_at):
        database.write_now(pursuing.pursue, due, now_at)


def say(database, said, now_at, event="m", **detail):
    """A word of the supplier."""
    given = OrderKey(*KEY), f"{event}-{now_at}", said, detail, "supplier:pumps", now_at
    return database.write_now(supplying.take, *given, lambda _: PRODUCT)


def told(database, *templates):
    """(template, data, attachments) of letters, oldest first; of these templates."""
    rows = database.read_now(letters)
    return [(name, data, files) for _, name, data, files in rows if name in templates]


def entries(files):
    """(method, SEQUENCE, start) of the calendar entries of a letter."""
    found = []
    for one in files:
        if one["method"]:
            event = vobject.readOne(base64.b64decode(one["content"]).decode()).vevent
            start = int(event.dtstart.value.timestamp() * 1000)
            found.append((one["method"], int(event.sequence.value), start))
    return found


def test_what_lies_nowhere_is_ordered_for_the_depot(database):
    """One order, as a part for an owner has one, but it goes to the depot; nobody at the desk has
    to do anything, and no time is proposed before it can be in a van.
    """
    of = database.write_now(begin)
    order = order_of(database)
    assert (order["state"], order["supplier"], order["destination"]) == ("held", "pumps", "depot")
    assert (order["total"], order["payer"]) == (4890, "warranty")
    assert of.parts_at == NOW + 30 * 60_000 + 6 * DAY_MS + 12 * HOUR_MS  # the part's own days
    assert of.start_at >= of.parts_at
    assert told(database, "visit_parts", "part_ordered") == []
    send_out(database)
    ((_, data, files),) = told(database, "part_order")
    assert (data["destination"], data["ship_to"]) == ("depot", {})
    document = base64.b64decode(files[0]["content"]).decode()
    assert "our depot" in document
    for private in ("Lovelace", "Lange", "10115"):
        assert private not in document


def test_what_is_in_a_van_comes_with_its_technician(database):
    """It is kept there, nothing is ordered or waited for, and only that technician is proposed."""
    put_in_van(database, "tom")
    of = database.write_now(begin)
    slots = database.read_now(visits.list_proposals, of)
    assert {slot.technician for slot in slots} == {"tom"}
    assert of.parts_at == 0
    assert of.start_at < NOW + 4 * DAY_MS
    assert lying(database) == {"": (0, 0), "tom": (1, 1)}
    assert order_of(database) is None
    database.write_now(go_away, "tom", "2026-03-26 00:00", "2026-03-27 00:00")
    asked = KEY, at("2026-03-26 10:15"), "owner", NOW  # only mia is there, without a pump
    assert not database.write_now(answers.ask_for, *asked)


def test_a_van_that_does_not_come_keeps_nothing(database):
    """Its technician is ill: the pump is free again, and one in another van is kept, which comes
    instead. When that one is ill as well, and gone for longer than the supplier takes, one is
    ordered.
    """
    put_in_van(database, "tom", "mia")
    first = database.write_now(begin).technician
    (other,) = {"tom", "mia"} - {first}

    def fall_ill(name, until):
        database.write_now(go_away, name, "2026-03-23 00:00", until)
        span = at("2026-03-23 00:00"), at(until)
        database.write_now(answers.clear_technician, name, *span, "token:ops", NOW + 5)
        return visit_of(database)

    moved = fall_ill(first, "2026-03-30 00:00")
    assert (moved.technician, moved.parts_at) == (other, 0)
    assert lying(database) == {"": (0, 0), first: (1, 0), other: (1, 1)}
    assert order_of(database) is None
    database.write_now(lambda c: c.execute(delete(stock).where(stock.c.van == first)))
    moved = fall_ill(other, "2026-05-30 00:00")
    assert lying(database) == {"": (0, 0), other: (1, 0)}
    assert (order_of(database)["state"], moved.technician) == ("held", first)
    assert moved.start_at >= moved.parts_at > NOW + 6 * DAY_MS


def test_a_part_that_nobody_has_is_no_visit(database):
    """No supplier says in how many days: the action says which part it is, and nothing stays."""
    database.write_now(lambda c: c.execute(update(part).values(lead_days=None, supplier=None)))
    with pytest.raises(StartError, match="part PUMP-1 is not to be had"):
        database.write_now(begin)
    assert (order_of(database), database.read_now(letters)) == (None, [])


def test_a_late_part_moves_a_booked_visit_at_once(database):
    """The supplier's word is enough: the owner has a new REQUEST with three times, the job of the
    technician is taken back, both have a higher SEQUENCE, and the owner has days to answer again.
    """
    of = database.write_now(begin)
    send_out(database)
    database.write_now(answers.confirm, KEY, "owner", NOW)
    late_at, now_at = of.start_at + 5 * DAY_MS, NOW + DAY_MS
    assert say(database, "back_ordered", now_at, expected_at=late_at) == "back_ordered"
    moved = visit_of(database)
    assert moved.state == "proposed"
    assert moved.start_at >= moved.parts_at == late_at + 12 * HOUR_MS
    ((_, data, files),) = told(database, "visit_moved")
    assert (data["why"], len(data["slots"])) == ("part_late", 3)
    assert entries(files) == [("REQUEST", 2, moved.start_at)]
    ((_, _, files),) = told(database, "visit_job_cancelled")
    assert [one[:2] for one in entries(files)] == [("CANCEL", 2)]
    action = database.write_now(care.expect_action, KEY)
    assert now_at < action.due_at <= now_at + 6 * DAY_MS
    assert told(database, "part_news") == []  # it is not the owner's part
    # Once more, with a day that is later still; and the same again, which is no news.
    for n, days in enumerate((9, 9)):
        say(database, "back_ordered", now_at + 1 + n, expected_at=late_at + days * DAY_MS)
    again = visit_of(database)
    assert (again.sequence, again.start_at > moved.start_at) == (3, True)
    assert len(told(database, "visit_moved")) == 2
    chosen = database.read_now(visits.list_proposals, again)[1]
    database.write_now(answers.choose, KEY, chosen.start_at, "owner", now_at + 9)
    *_, (_, _, files) = told(database, "visit_job")
    assert entries(files) == [("REQUEST", 4, chosen.start_at)]


def test_back_ordered_without_a_day_waits_as_long_as_usual(database):
    """Nobody says when: the supplier's usual days begin anew."""
    of = database.write_now(begin)
    send_out(database)
    database.write_now(answers.confirm, KEY, "owner", NOW)
    now_at = of.start_at - 3 * DAY_MS
    say(database, "back_ordered", now_at)
    assert visit_of(database).parts_at == now_at + 6 * DAY_MS + 12 * HOUR_MS


def test_a_delay_that_the_visit_can_wait_for_moves_nothing(database):
    """A day later, and still there before the van is loaded: nobody is bothered."""
    of = database.write_now(begin)
    send_out(database)
    booked = database.read_now(visits.list_proposals, of)[2]
    database.write_now(answers.choose, KEY, booked.start_at, "owner", NOW)
    before = len(database.read_now(letters))
    say(database, "accepted", NOW + DAY_MS, expected_at=booked.start_at - 13 * HOUR_MS)
    now = visit_of(database)
    assert (now.state, now.start_at, now.sequence) == ("booked", booked.start_at, 1)
    assert len(database.read_now(letters)) == before


def test_a_part_that_is_early_moves_a_time_that_is_only_held(database):
    """It lies in the depot, kept for the visit; the owner has a new REQUEST with earlier times."""
    of = database.write_now(begin)
    send_out(database)
    now_at = NOW + DAY_MS
    say(database, "shipped", now_at, tracking="T-1")
    assert visit_of(database).start_at == of.start_at  # nobody said when
    assert say(database, "delivered", now_at + 5) == "delivered"
    assert lying(database) == {"": (1, 1)}
    moved = visit_of(database)
    assert moved.parts[0]["reservation"]
    assert (moved.state, moved.sequence) == ("proposed", 1)
    assert moved.start_at <= of.start_at - DAY_MS
    ((_, data, files),) = told(database, "visit_earlier")
    assert len(data["slots"]) == 3
    assert entries(files) == [("REQUEST", 1, moved.start_at)]
    assert say(database, "delivered", now_at + 9) == "delivered"
    assert lying(database) == {"": (1, 1)}  # it came once


def test_a_part_that_is_early_leaves_an_appointment_alone(database):
    """Somebody took a day off for it: it stays, and earlier times are offered, no REQUEST."""
    database.write_now(begin)
    send_out(database)
    of = database.write_now(answers.confirm, KEY, "owner", NOW)
    now_at = NOW + DAY_MS
    say(database, "accepted", now_at, expected_at=now_at + DAY_MS)
    now = visit_of(database)
    assert (now.state, now.start_at, now.sequence) == ("booked", of.start_at, 1)
    ((_, data, files),) = told(database, "visit_earlier")
    assert (data["is_booked"], entries(files)) == (True, [])
    sooner = min(slot["start_at"] for slot in data["slots"])
    assert now_at + DAY_MS + 12 * HOUR_MS <= sooner <= of.start_at - DAY_MS
    database.write_now(answers.choose, KEY, sooner, "owner", now_at)
    moved = visit_of(database)
    assert (moved.state, moved.start_at, moved.sequence) == ("booked", sooner, 2)
    *_, (_, _, files) = told(database, "visit_job")
    assert entries(files) == [("REQUEST", 2, sooner)]


def test_a_part_that_will_not_come_ends_the_visit(database):
    """The supplier refuses: the action has failed with the reason, calendars are told."""
    database.write_now(begin)
    send_out(database)
    database.write_now(answers.confirm, KEY, "owner", NOW)
    say(database, "refused", NOW + DAY_MS, reason="out of production")
    assert database.write_now(care.expect_action, KEY).state == FAILED
    assert visit_of(database).state == "cancelled"
    *_, (_, _, files) = told(database, "visit_cancelled")
    assert entries(files)[0][:2] == ("CANCEL", 2)


def test_an_order_is_followed_when_nobody_comes_any_more(database):
    """What was sent still comes: it stays on the list, and lies in the depot for anybody."""
    database.write_now(begin)
    send_out(database)
    database.write_now(answers.decline, KEY, "owner", NOW + DAY_MS)
    order = order_of(database)
    assert (order["state"], order["ended_at"]) == ("sent", None)
    say(database, "delivered", NOW + 2 * DAY_MS)
    assert lying(database) == {"": (1, 0)}
    assert visit_of(database).state == "declined"
    assert order_of(database)["ended_at"] == NOW + 2 * DAY_MS


def test_a_visit_that_is_declined_in_time_orders_nothing(database):
    """Within the window nobody was told of the order, and nobody will be."""
    database.write_now(begin)
    database.write_now(answers.decline, KEY, "owner", NOW + 60_000)
    assert order_of(database)["state"] == "cancelled"
    send_out(database)
    assert told(database, "part_order") == []


def test_only_the_desk_takes_back_what_a_technician_brings(database):
    """The visit stays then: the desk has the part from elsewhere. It is not the owner's order."""
    database.write_now(begin)

    def cancel(connection, who):
        ticket = tickets.expect(connection, DEVICE, 1)
        owner_page.cancel_part(connection, ticket, OrderKey(*KEY), who, NOW + 60_000)

    with pytest.raises(ConflictError, match="decline the visit"):
        database.write_now(cancel, "owner")
    database.write_now(cancel, "token:ops")
    assert order_of(database)["state"] == "cancelled"
    assert visit_of(database).is_under_way
    assert database.read_now(lambda c: c.execute(select(reservation)).all()) == []
