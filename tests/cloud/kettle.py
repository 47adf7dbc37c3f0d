"""A kettle in somebody's home with a ticket: what actions are started with, on a real database."""

from pathlib import Path

from sqlalchemy import select

from phonehome_cloud import migrations
from phonehome_cloud.core.caring import RUNNING, WAITING_CONSENT, ActionRow, Case
from phonehome_cloud.core.deciding.decision import Decision, Option
from phonehome_cloud.store import acting, answers, care, looking, people, pursuing, tickets
from phonehome_cloud.store.care_tables import care as care_row
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import appliance, owner, part, stock, supplier
from phonehome_cloud.store.schema import command, device, effect, fault_event, ticket
from phonehome_product import load
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED
from tests.fakes.bases import base_url
from tests.fakes.store import START_AT, FakeClock
from tests.product.samples import GOOD

DEVICE = "a4cf12fffe05d3b1"
OWNER = "00000000000000aa"
DAY = 86_400_000

SERVICE = """
[service]
currency = "EUR"
value = 60
life_years = 5
skills = ["heat"]
idle = { command = "is_idle", min = 1 }

[[part]]
number = "K-LID-1"
title = "Lid"
price = 9.5
owner_can_fit = true
[[part]]
number = "K-SEAL-1"
title = "Seal"
price = 2
owner_can_fit = true

[[command]]
name = "is_idle"
title = "Say whether it is idle"
code = 129
idle = false
[[command]]
name = "reread"
title = "Read the sensors again"
code = 130
idle = false
[[command]]
name = "restart"
title = "Restart"
code = "reboot"

[[article]]
id = "descale"
[[article.text]]
language = "en"
title = "Descale it"
[[article.text.step]]
text = "Fill it with vinegar."
[[article.text.step]]
text = "Boil it once."
proof = { sensor = "water_temp", min = 95, within_s = 600 }
[[article.text]]
language = "de"
title = "Entkalken"
[[article.text.step]]
text = "Essig einfüllen."
[[article.text.step]]
text = "Einmal aufkochen."
proof = { sensor = "water_temp", min = 95, within_s = 600 }
"""
ACTIONS = """
[[fault.action]]
id = "descale"
kind = "self_help"
article = "descale"
success = { scale = 0.9 }
[[fault.action]]
id = "restart"
kind = "remote_fix"
command = "restart"
success = { scale = 0.1 }
[[fault.action]]
id = "new_lid"
kind = "part"
parts = ["K-LID-1", "K-LID-1"]
article = "descale"
success = { scale = 0.2 }
[[fault.action]]
id = "new_lid_and_seal"
kind = "part"
parts = ["K-LID-1", "K-SEAL-1"]
article = "descale"
success = { scale = 0.1 }
[[fault.action]]
id = "new_one"
kind = "lead"
[[fault.action]]
id = "ask"
kind = "person"
skills = ["heat"]
"""


class Home:
    """A database with one kettle, its owner, and a ticket about its second fault."""

    def __init__(self, folder: Path, now_at: int = START_AT) -> None:
        self.clock = FakeClock(now_at)
        self.database = Database(base_url(folder))
        self.database.open()
        migrations.prepare(self.database)
        self.products = folder / "products"
        self.products.mkdir()
        file = self.products / "kettle.toml"
        file.write_text(GOOD + ACTIONS + SERVICE)
        self.product = load(file)
        self.fault = self.product.faults[1]
        self.do(self._move_in)

    def do(self, fn, *args, **kwargs):
        """fn(connection, ...) in a transaction."""
        return self.database.write_now(fn, *args, **kwargs)

    def _move_in(self, connection):
        now_at = self.clock()
        connection.execute(
            device.insert().values(device=DEVICE, product="kettle", created_at=now_at)
        )
        connection.execute(
            owner.insert().values(
                owner=OWNER,
                name="Ada Lovelace",
                mail="ada@example.org",
                phone="+4930123456",
                language="de",
                street="Kirchweg 5",
                postcode="10115",
                city="Berlin",
                country="DE",
                zone="Europe/Berlin",
                consents={},
                created_at=now_at,
                updated_at=now_at,
            )
        )
        values = {"grants": [], "bought_at": now_at - 6 * 365 * DAY, "updated_at": now_at}
        connection.execute(appliance.insert().values(device=DEVICE, owner=OWNER, **values))
        about = {"spn": self.fault.id, "fmi": self.fault.fmi, "code": "K2", "severity": 4}
        times = dict.fromkeys(("opened_at", "updated_at", "event_at", "last_event_at"), now_at)
        told = {"state": "open", "title": "Heats too slowly", "product": "kettle"}
        row = {"device": DEVICE, "number": 1, "late": False, "occurrences": 1, "events": 0}
        connection.execute(ticket.insert().values(**about, **times, **told, **row))
        looking.look(connection, DEVICE, 1, now_at)

    def stock_lids(self, pieces, lead_days=None):
        """Lids in the depot, and a supplier who has more when `lead_days` says in how many."""
        now_at = self.clock()

        def add(connection):
            if lead_days is not None:
                values = {"supplier": "lids", "name": "Lids & Co", "mail": "orders@lids.example"}
                more = {"language": "en", "lead_days": lead_days, "updated_at": now_at}
                connection.execute(supplier.insert().values(**values, **more))
            given = {"part": "K-LID-1", "title": "Lid", "price_cents": 950, "currency": "EUR"}
            who = "lids" if lead_days is not None else None
            connection.execute(part.insert().values(**given, supplier=who, updated_at=now_at))
            if pieces:
                connection.execute(stock.insert().values(part="K-LID-1", pieces=pieces))

        self.do(add)

    def free_lids(self):
        """How many lids nobody has reserved."""
        return self.do(people.availability, "K-LID-1", self.clock()).free

    def start(self, action_id, n=0, state=RUNNING, payer="owner", lane="clear"):
        """Start an action of the product file as the care loop does; the saved row."""

        def begin(connection):
            now_at = self.clock()
            case = self.case(connection, action_id, lane)
            kind = case.action.kind
            row = ActionRow(DEVICE, 1, n, kind, action_id, state, "rule", payer, now_at)
            care.save_actions(connection, [row], ())
            begins = acting.ASKS if state == WAITING_CONSENT else acting.STARTS
            begins[kind](connection, row, case, now_at)
            care.save_actions(connection, (), [row])
            of_ticket = care_row.c.device == DEVICE, care_row.c.ticket == 1
            connection.execute(care_row.update().where(*of_ticket).values(running=n, due_at=None))
            return row

        return self.do(begin)

    def case(self, connection, action_id, lane="clear"):
        """Everything that is known."""
        action = self.fault.find_action(action_id)
        option = Option(action.kind, action_id, 0.5, 10.0)
        why = ("a repair costs more than a new one",)
        decision = Decision(option, (option,), False, lane, why, "owner", True)
        return Case(
            tickets.expect(connection, DEVICE, 1),
            self.product,
            self.fault,
            action,
            decision=decision,
            owner=people.find_owner(connection, DEVICE),
            appliance=people.find_appliance(connection, DEVICE),
        )

    def action(self, n=0):
        """An action as it is stored."""
        return self.do(care.expect_action, (DEVICE, 1, n))

    def rows(self, table):
        """All rows of a table, as mappings."""
        order = list(table.primary_key.columns)
        return self.do(lambda c: list(c.execute(select(table).order_by(*order)).mappings()))

    def page(self):
        """The path of the owner's page, as the newest letter to them names it."""
        return [d["page"] for to, _, d in self.letters() if to == f"owner:{OWNER}"][-1]

    def letters(self, template=None):
        """What waits to be sent: (recipient, template, data)."""
        rows = self.rows(effect)
        return [
            (row["recipient"], row["template"], row["data"])
            for row in sorted(rows, key=lambda row: (row["created_at"], row["key"]))
            if template in (None, row["template"])
        ]

    def tell(self, kind, channel=None, value=None, exp=-1, number=1):
        """The device reports a transition of the ticket's fault, or of another one."""
        now_at = self.clock()
        seq = len(self.rows(fault_event))
        where = {"device": DEVICE, "inc": "00000001", "boot": 1, "seq": seq, "ticket": number}
        what = {"kind": kind, "status": 0, "occurrence": 1, "severity": 4}
        about = {"spn": self.fault.id, "fmi": self.fault.fmi, "channel": channel, "exp": exp}
        times = {"event_at": now_at, "received_at": now_at, "time_quality": "good"}
        row = {**where, **what, **about, **times, "value": value, "late": False}
        self.do(lambda c: c.execute(fault_event.insert().values(row)))

    def heal(self):
        """The device reports the ticket's fault as healed."""
        self.tell(KIND_HEALED)

    def confirm(self):
        """The device reports the fault again."""
        self.tell(KIND_CONFIRMED)

    def answer(self, number, value=None, state="done", status=0):
        """A command came back."""

        def write(connection):
            values = {"state": state, "status": status, "value": value, "ended_at": self.clock()}
            where = command.c.device == DEVICE, command.c.number == number
            connection.execute(command.update().where(*where).values(values))
            answers.wake(connection, DEVICE, number, self.clock())

        self.do(write)

    def pursue(self):
        """Look at everything that is due now."""
        for due in self.do(pursuing.find_due, self.clock()):
            self.do(pursuing.pursue, due, self.clock())

    def close(self):
        """Let go of the database."""
        self.database.close()
