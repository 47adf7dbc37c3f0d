"""A home with a broken pump, its owner, two technicians, and a visit that was just proposed."""

from contextlib import contextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select

from phonehome_cloud import migrations
from phonehome_cloud.core.caring import RUNNING, ActionRow, Case
from phonehome_cloud.store import acting, care, looking, people, tickets, visits
from phonehome_cloud.store.care_tables import care as care_table
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import (
    appliance,
    desk,
    leave,
    owner,
    part,
    stock,
    technician,
)
from phonehome_cloud.store.schema import device, ticket
from phonehome_cloud.store.telling_tables import effect
from tests.cloud.remedies import PRODUCT, PUMP, fault_of
from tests.fakes.bases import base_url

BERLIN = "Europe/Berlin"
DEVICE, OTHER = "a4cf12fffe05d3b1", "a4cf12fffe05d3b2"
OWNER = "0123456789abcdef"
KEY = DEVICE, 1, 0
FAULT = fault_of(PUMP)
ACTION = FAULT.find_action("swap_pump")


def at(text):
    """The unix ms of what a clock in Berlin shows."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN)).timestamp() * 1000)


NOW = at("2026-03-23 10:00")  # a Monday


@contextmanager
def opened(folder, **given):
    """The database of a folder with everything that a visit needs, closed behind."""
    made = Database(base_url(folder))
    made.open()
    try:
        migrations.prepare(made)
        made.write_now(fill, **given)
        yield made
    finally:
        made.close()


def find_fault(product, spn, fmi):
    """As the rim finds the words of a fault."""
    fault = PRODUCT.find_fault(spn, fmi) if product == PRODUCT.name else None
    return (PRODUCT, fault) if fault else None


def fill(connection, pumps=1, consents=(), zone=BERLIN):
    """Everything that a visit needs, but the visit."""
    given = {c: {"at": NOW, "by": "test"} for c in consents}
    who = {"name": "Ada Lovelace", "mail": "Ada@example.org", "language": "de", "zone": zone}
    home = {"street": "Lange Straße 5", "postcode": "10115", "city": "Berlin", "country": "DE"}
    times = {"created_at": NOW, "updated_at": NOW}
    connection.execute(insert(owner), {"owner": OWNER, **who, **home, "consents": given, **times})
    for one in (DEVICE, OTHER):
        row = {"device": one, "product": PRODUCT.name, "created_at": NOW}
        connection.execute(insert(device), row)
        row = {"device": one, "owner": OWNER, "grants": [], "serial": "S1", "updated_at": NOW}
        connection.execute(insert(appliance), row)
        add_ticket(connection, one)
    for name in ("mia", "tom"):
        drives = {"skills": ["pump"], "area": ["DE-10"], "hours": "Mon-Fri 08:00-17:00"}
        who = {"name": name.title(), "mail": f"{name}@service.example", "language": "en"}
        row = {"technician": name, **who, **drives, "zone": BERLIN, "updated_at": NOW}
        connection.execute(insert(technician), row)
    row = {"part": "PUMP-1", "title": "Pump", "currency": "EUR", "lead_days": 6}
    connection.execute(insert(part), row | {"updated_at": NOW})
    connection.execute(insert(stock), {"part": "PUMP-1", "van": "", "pieces": pumps})
    row = {"desk": "service", "mail": "visits@service.example", "language": "en", "zone": BERLIN}
    row |= {"hours": "Mon-Fri 09:00-17:00", "holidays": ["2026-03-24"], "updated_at": NOW}
    connection.execute(insert(desk), row)


def add_ticket(connection, dev, number=1):
    """An open ticket of a dead pump; the second one of a device is of another fault."""
    times = dict.fromkeys(("opened_at", "updated_at", "event_at", "last_event_at"), NOW)
    row = {
        "device": dev,
        "number": number,
        "spn": FAULT.id + number - 1,
        "fmi": FAULT.fmi,
        "code": PUMP,
    }
    row |= {"title": FAULT.title, "product": PRODUCT.name, "state": "open", "severity": 3}
    row |= times | {"occurrences": 1, "events": 0, "late": False, "reopened": 0}
    connection.execute(insert(ticket), row)


def case_of(connection, dev=DEVICE, number=1):
    """What the care loop would know."""
    found = tickets.expect(connection, dev, number)
    known = people.find_owner(connection, dev), people.find_appliance(connection, dev)
    return Case(found, PRODUCT, FAULT, ACTION, None, None, None, *known)


def begin(connection, dev=DEVICE, now_at=NOW, number=1, payer="warranty"):
    """Start a visit as the care loop does; returns it."""
    looking.look(connection, dev, number, now_at)
    row = ActionRow(dev, number, 0, "visit", ACTION.id, RUNNING, "rule", payer, now_at)
    care.save_actions(connection, [row], ())
    of_ticket = care_table.c.device == dev, care_table.c.ticket == number
    connection.execute(care_table.update().where(*of_ticket).values(actions=1, running=0))
    acting.STARTS["visit"](connection, row, case_of(connection, dev, number), now_at)
    care.save_actions(connection, (), [row])
    return visits.expect(connection, (dev, number, 0))


def go_away(connection, name, start, end):
    """A technician has leave."""
    row = {"technician": name, "from_at": at(start), "until_at": at(end)}
    connection.execute(insert(leave), row)


def letters(connection, to=None):
    """What was told, oldest first: (to, template, data, attachments)."""
    query = select(effect).order_by(effect.c.created_at, effect.c.key)
    rows = connection.execute(query).mappings()
    return [
        (row["recipient"], row["template"], row["data"], row["attachments"])
        for row in rows
        if to is None or row["recipient"].startswith(to)
    ]
