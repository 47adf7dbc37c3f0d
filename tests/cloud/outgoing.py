"""Effects and who they go to, for tests of what leaves the receiver."""

import contextlib

from phonehome_cloud.store import effects, hooks, people_tables
from phonehome_cloud.workers.outgoing import make_letters, make_telling
from tests.cloud.running import settings
from tests.fakes.store import START_AT, StoreReceiver

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON = START_AT - START_AT % DAY_MS + 12 * HOUR_MS  # UTC: nobody sleeps
OPENED = {"product": "Washer", "fault": "Does not drain", "code": "E21", "at": NOON, "link": ""}


class Counted:
    """How tries ended."""

    def __init__(self):
        self.effects = []

    def count_effect(self, kind, outcome, seconds):
        self.effects.append((kind, outcome))


class Teller:
    """A store with the loops of letters and webhooks over it, on a clock of the test."""

    def __init__(self, folder, join=lambda sender: sender, **variables):
        variables = {"SERVER_PUBLIC_URL": "https://service.example"} | variables
        self.receiver = StoreReceiver(folder)
        self.clock = self.receiver.clock
        self.clock.now_at = NOON
        self.database = self.receiver.database
        self.counted = Counted()
        config = settings(folder, **variables)
        self.loops = make_telling(
            config,
            make_letters(config, {}),
            self.database,
            self.receiver.vault,
            self.clock,
            self.counted,
            join,
            "test",
        )

    async def add(self, key="n1", to="owner:7", **more):
        """Write an effect: a letter to an owner, unless more says something else."""
        fields = {
            "kind": "mail",
            "template": "ticket_opened",
            "data": OPENED,
            "device": None,
            "ticket": None,
            "due_at": self.clock(),
            "expires_at": self.clock() + 3 * DAY_MS,
        }
        await self.database.write(effects.add, effects.Effect(key=key, to=to, **fields | more))

    async def add_owner(self, owner="7", **more):
        """Somebody who can be written to."""
        await self.database.write(add_owner, owner, more)

    async def add_hook(self, url, audience=None, *events):
        """A webhook; returns its id and secret."""
        row = {"url": url, "label": "", "events": list(events), "audience": audience}
        row |= {"created_at": self.clock(), "created_by": "token:test"}
        return await self.database.write(hooks.add, self.receiver.vault, row)

    async def tell(self):
        """Send everything that is due."""
        while sum([await loop.step() for loop in self.loops.values()]):
            for loop in self.loops.values():
                await loop.settle()
        # What was put together to a digest is due, too.
        if sum([await loop.step() for loop in self.loops.values()]):
            await self.tell()

    async def rows(self):
        """{key: row} of every effect."""
        from phonehome_cloud.store import schema

        return {row.key: row for row in await self.receiver.rows(schema.effect)}


def add_owner(connection, owner, more=()):
    """An owner in the table."""
    fields = {
        "mail": f"owner{owner}@example.com",
        "name": "Zoë Groß",
        "language": "en",
        "zone": "UTC",
        "consents": {},
        "created_at": NOON,
        "updated_at": NOON,
    }
    row = {"owner": owner, **fields, **dict(more)}
    connection.execute(people_tables.owner.insert().values(row))


@contextlib.contextmanager
def teller(folder, **more):
    """One, closed at the end."""
    made = Teller(folder, **more)
    try:
        yield made
    finally:
        made.receiver.close()
