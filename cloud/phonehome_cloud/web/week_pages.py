"""The desk's page of visits: each technician's week, and whether P(home) keeps its word."""

from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from phonehome_cloud.clock import now_ms
from phonehome_cloud.store import people, presence, visit_times, visits

from . import weeks
from .pages import private
from .parts import DATABASE
from .rendering import RENDER
from .visits import WEEK_MS

routes = web.RouteTableDef()
_WEEKS = range(-52, 53)


@routes.get("/visits")
@private
async def show_visits(request: web.Request, name: str) -> web.StreamResponse:
    """A week, by default this one; `week` counts from it."""
    text = request.query.get("week", "0")
    offset = int(text) if text.lstrip("-").isdecimal() and len(text) < 4 else 0
    offset = offset if offset in _WEEKS else 0
    drawn, calibration = await request.app[DATABASE].read(_read, now_ms() + offset * WEEK_MS)
    return request.app[RENDER](
        "visits.html",
        name=name,
        weeks=drawn,
        week=offset,
        calibration=calibration,
        dots=weeks.draw_calibration(calibration) if calibration else [],
        ticks=weeks.ticks(),
        size=(weeks.WIDTH, weeks.HEIGHT, weeks.LEFT, weeks.TOP, weeks.DAY_W, weeks.SIDE),
    )


def _read(connection: Connection, at: int) -> tuple[list[weeks.Week], Any]:
    names = {one.id: one.name for one in people.technicians(connection)}
    drawn = []
    for technician in visit_times.find_technicians(connection):
        start = weeks.first_day(at, technician.zone)
        from_at = int(start.timestamp() * 1000)
        rows = visits.list_between(connection, from_at, from_at + WEEK_MS, technician.id)
        drawn.append(weeks.draw_week(technician, names[technician.id], start, rows))
    return drawn, presence.read_calibration(connection)
