"""A link that goes down around an ack: the next one is opened in its turn, whoever hears first."""

import asyncio

from phonehome.core.backoff import Backoff
from phonehome.core.pace import Pace
from phonehome.tasks.sending import Sending

FIRST_WAIT_MS = 5000
PAUSE_S = 60


class Clock:
    def now_ms(self) -> int:
        return 1000


class InFlight:
    def __init__(self) -> None:
        self.ids = [(1, 1)]
        self.is_open = False

    def settle(self) -> None:
        """The ack names all of it."""
        self.ids.clear()
        self.is_open = False


class Reporter:
    """One report of one record; `pause_s` is what its ack asks for."""

    def __init__(self, pause_s: "int | None") -> None:
        self.in_flight = InFlight()
        self.has_anything = False
        self.pause_s = pause_s

    def rest(self) -> None:
        """Nothing is loaded."""

    def compose(self, _now_ms: int) -> bytes:
        self.in_flight.is_open = True
        return b"report"


class Link:
    """Acknowledges what it sends and is closed by that ack, as by a change of keys."""

    acks_later = True
    is_open = False

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.on_close = lambda: None

    async def open(self) -> None:
        self.is_open = True

    async def send(self, _report: bytes) -> None:
        self._reporter.in_flight.settle()
        self.is_open = False
        self.on_close()


def wait_behind(heard: str, pause_s: "int | None") -> int:
    """How long the next link waits when the last one went down with the ack of a report."""
    reporter = Reporter(pause_s)
    link, pace, clock = Link(reporter), Pace(Backoff(lambda below: below - 1), 500), Clock()
    parts = (link, reporter, pace, (clock, clock), 30, lambda _name, **_facts: None)
    sending = Sending(*parts, link.open)
    if heard == "before":
        link.on_close = sending.note_loss
    pace.ask(1000, is_urgent=True)
    asyncio.run(asyncio.wait_for(sending.send_one(), 5))
    if heard == "after":
        sending.note_loss()
    return pace.wait_ms(1000)


def test_a_link_lost_behind_an_ack_is_opened_again():
    """Whether the loss is heard before or after the success of the report, it is not forgotten."""
    for heard in ("before", "after"):
        assert wait_behind(heard, None) == FIRST_WAIT_MS
        assert wait_behind(heard, PAUSE_S) == PAUSE_S * 1000
