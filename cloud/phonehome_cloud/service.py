"""Where the care of tickets is joined with what wakes it."""

from aiohttp import web

from .clock import now_ms
from .core.catalogue import Catalogue
from .core.considering import Knowledge
from .store.database import Database
from .web import health, parts
from .workers.caring import Caring
from .workers.digesting import Digesting


def make_caring(
    app: web.Application, database: Database, catalogue: Catalogue, digesting: Digesting
) -> Caring:
    """The loop that considers tickets: the digest and the desk API wake it."""
    caring = Caring(database, Knowledge(catalogue), now_ms, app[health.METRICS])
    digesting.on_ticket = lambda _ticket: caring.wake()
    app[parts.LOOK_AFTER] = caring.wake
    return caring
