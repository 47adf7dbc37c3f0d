"""A receiver without transports: a real database, intake and digest, on a clock of the test."""

from collections import Counter

from sqlalchemy import func, select, text

from phonehome_cloud import migrations
from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.digesting import Policy
from phonehome_cloud.core.intake import Intake
from phonehome_cloud.store import keys, schema
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.key_cache import KeyCache
from phonehome_cloud.store.masters import FixedKeyring
from phonehome_cloud.store.vault import Vault
from phonehome_cloud.workers.commanding import Commanding
from phonehome_cloud.workers.committer import Committer
from phonehome_cloud.workers.digesting import Digesting
from tests.fakes.bases import base_url

START_AT = 1_795_000_000_000
MASTER = bytes(range(32))
WINDOW_S = 7 * 86400


class FakeClock:
    """Unix ms that move only when a test says so."""

    def __init__(self, now_at=START_AT):
        self.now_at = now_at

    def __call__(self):
        return self.now_at

    def advance(self, ms):
        self.now_at += ms


class OpenBuckets:
    """Buckets without a bottom, that remember who was charged what."""

    def __init__(self):
        self.charged = Counter()
        self.wait_s = 0.0

    def take(self, key, cost=1.0):
        return self.wait_s

    def charge(self, key, cost):
        self.charged[key] += cost


class Counts:
    """Everything that was counted."""

    def __init__(self):
        self.messages = Counter()
        self.digested = Counter()
        self.batches = []
        self.tickets = Counter()
        self.commands = Counter()

    def count_message(self, transport, reason):
        self.messages[transport, reason] += 1

    def count_digested(self, records, failed):
        self.digested.update(done=records - failed, failed=failed)

    def time_digest(self, seconds):
        self.batches.append(seconds)

    def count_commands(self, event, count):
        self.commands[event] += count

    def set_commands_waiting(self, devices_waiting):
        self.commands["waiting"] = devices_waiting

    def count_tickets(self, opened, resolved):
        self.tickets.update(opened=opened, resolved=resolved)


class StoreReceiver:
    """Intake and digest over a database in `folder`; close() at the end."""

    def __init__(self, folder, products=(), manifests=frozenset(), **bounds):
        self.path = folder / "phonehome.db"
        self.clock = FakeClock()
        self.database = Database(base_url(folder, self.path.name))
        self.database.open()
        migrations.prepare(self.database)
        self.vault = Vault(FixedKeyring(MASTER))
        self.keys = KeyCache(self.database, self.vault, self.clock)
        self.counts = Counts()
        self.by_address, self.by_key = OpenBuckets(), OpenBuckets()
        self.commits = []
        self.committer = Committer(
            self.database,
            bounds.get("max_waiting", 1000),
            bounds.get("max_batch", 100),
            lambda messages, _seconds, _waited_s: self.commits.append(messages),
        )
        self.commanding = Commanding(self.database, self.vault, self.keys, self.clock, self.counts)
        self.intake = Intake(
            self.keys,
            self.committer,
            self.by_address,
            self.by_key,
            self.clock,
            self.counts,
            self.commanding,
            manifests,
        )
        self.digest = Digesting(
            self.database,
            Catalogue(products),
            Policy(WINDOW_S * 1000),
            self.clock,
            self.counts,
            batch=bounds.get("digest_batch", 50),
        )

    def close(self):
        self.database.close()

    async def register(self, appliance, product=None, state=keys.ACTIVE):
        """Know a device and its key."""
        await self.database.write(self._register, appliance, product, state)

    def _register(self, connection, appliance, product, state):
        known = select(schema.device).where(schema.device.c.device == appliance.device)
        if connection.execute(known).first() is None:
            row = {"device": appliance.device, "product": product, "created_at": self.clock()}
            connection.execute(schema.device.insert().values(row))
        keys.add_key(
            connection,
            self.vault,
            appliance.device,
            appliance.epoch,
            appliance.key,
            self.clock(),
            state,
        )

    async def accept(self, message, transport="http", path_dev=None, address=""):
        return await self.intake.accept(message, transport, path_dev, address)

    async def digest_all(self):
        while await self.digest.step():
            pass

    async def rows(self, table, *order):
        """Every row of a table."""
        found = await self.database.read(
            lambda connection: connection.execute(select(table).order_by(*order)).all()
        )
        return list(found)

    async def count(self, table):
        """How many rows a table has."""
        statement = select(func.count()).select_from(table)
        return await self.database.read(lambda connection: connection.execute(statement).scalar())

    async def pragma(self, statement):
        """A PRAGMA on the write connection."""
        await self.database.write(lambda connection: connection.execute(text(statement)))
