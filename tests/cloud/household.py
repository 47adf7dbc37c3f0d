"""Pumps in households, on a real database: they report, and their tickets are looked after."""

from sqlalchemy import select

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.considering import Knowledge
from phonehome_cloud.store import care_tables, schema
from phonehome_cloud.store.keys import ACTIVE
from phonehome_cloud.store.people_tables import appliance, owner, part, stock, technician
from phonehome_cloud.workers.caring import Caring
from phonehome_wire.registry import KIND_CONFIRMED, RTYPE_HEARTBEAT
from tests.cloud.remedies import PRODUCT
from tests.fakes.appliance import Appliance, fault, record
from tests.fakes.store import START_AT, StoreReceiver

CLOGGED, DEAD, TORN = 5, 15, 25  # turns: which cause the diagnosis finds
DAY = 86_400_000


class CareCounts:
    """What the care of tickets counted."""

    def __init__(self):
        self.batches = []

    def count_considered(self, done, _seconds):
        self.batches.append(done)


class Household(StoreReceiver):
    """A receiver that knows the pump of remedies.toml and looks after its tickets."""

    def __init__(self, folder, product=PRODUCT, **bounds):
        super().__init__(folder, products=[product], **bounds)
        self.cared = CareCounts()
        knowledge = Knowledge(Catalogue([product]))
        self.caring = Caring(self.database, knowledge, self.clock, self.cared)
        self._seq = {}

    async def pump(self, number=1, consents=("part", "visit"), **more):
        """A registered pump in somebody's home."""
        made = Appliance(number)
        await self.database.write(self._move_in, made, number, consents, more)
        return made

    def _move_in(self, connection, made, number, consents, more):
        self._register(connection, made, "pumper", ACTIVE)
        device = made.device
        name = f"{number:016x}"
        given = {consent: {"at": 1, "by": "test"} for consent in consents}
        row = {"owner": name, "name": "Ada", "mail": f"{name}@example.org", "language": "en"}
        place = {"zone": "UTC", "postcode": "10115", "city": "Berlin", "country": "DE"}
        times = {"created_at": 1, "updated_at": 1}
        connection.execute(owner.insert().values(**row, **place, **times, consents=given))
        lives = {"device": device, "owner": name, "grants": [], "updated_at": 1}
        connection.execute(appliance.insert().values(**lives, **more))

    async def technician(self):
        """Somebody who drives, all day, to anybody."""
        row = {"technician": "t1", "name": "Bo", "mail": "bo@example.org", "language": "en"}
        where = {"zone": "UTC", "skills": ["pump"], "area": ["DE"], "updated_at": 1}
        hours = "mon-sun 08:00-20:00"
        insert = technician.insert().values(**row, **where, hours=hours)
        await self.do(lambda connection: connection.execute(insert))

    async def known(self, number):
        """A pump that is registered already."""
        return Appliance(number)

    async def stock(self, *numbers, pieces=10):
        """Parts in the depot."""
        await self.database.write(self._stock, numbers, pieces)

    def _stock(self, connection, numbers, pieces):
        for number in numbers:
            row = {"part": number, "title": number, "price_cents": 1000, "currency": "EUR"}
            connection.execute(part.insert().values(**row, discontinued=False, updated_at=1))
            connection.execute(
                stock.insert().values(part=number, van="", pieces=pieces, reserved=0)
            )

    async def says(self, pump, digest=True, turns=None, boot=1, **what):
        """A report of a pump: a fault transition, and its turns."""
        transition = {"kind": KIND_CONFIRMED, "spn": 520192, "fmi": 7} | what
        seq = self._seq.get(pump.device, 0)
        now_ms = 60_000 + self.clock() - START_AT
        ms, records = now_ms - 1000, []
        if turns is not None:
            records.append(record(RTYPE_HEARTBEAT, {128: turns}, seq=seq, boot=boot, ms=ms))
            seq += 1
        records.append(fault(seq, boot=boot, ms=ms, **transition))
        self._seq[pump.device] = seq + 1
        reply = await self.accept(pump.message(records, now_ms=now_ms, boot=boot))
        assert reply.status == 200
        if digest:
            await self.digest_all()

    async def care(self, most=50):
        """Look after whatever is due."""
        for _ in range(most):
            if not await self.caring.step():
                return
        raise AssertionError("the care of tickets never comes to an end")

    async def actions(self):
        """Every action, oldest first."""
        table = care_tables.action
        return await self.rows(table, table.c.device, table.c.ticket, table.c.n)

    async def history(self, *kinds):
        """The history of all tickets, of some kinds."""
        table = schema.ticket_event
        found = await self.rows(table, table.c.device, table.c.ticket, table.c.n)
        return [row for row in found if not kinds or row.kind in kinds]

    async def ticket(self):
        """The only ticket."""
        (row,) = await self.rows(schema.ticket)
        return row

    async def letters(self):
        """Effects in the outbox."""
        return await self.rows(schema.effect)

    async def do(self, function, *args, **kwargs):
        """A transaction."""
        return await self.database.write(function, *args, **kwargs)

    async def cares(self):
        """How far the care of each ticket is."""
        return await self.database.read(
            lambda connection: connection.execute(select(care_tables.care)).all()
        )
