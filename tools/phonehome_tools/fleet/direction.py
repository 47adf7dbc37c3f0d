"""Who does what when in the demo: starts everything, breaks and mends, and watches the desk."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from phonehome_tools.fleet.board import Board, Event, board_setup, model_source
from phonehome_tools.fleet.catalog import find_product
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.home import Home, Link
from phonehome_tools.fleet.letterbox import Letterbox, letterbox
from phonehome_tools.fleet.receiver import Receiver
from phonehome_tools.fleet.service_act import MILESTONES as SERVICE_MILESTONES
from phonehome_tools.fleet.service_act import ServiceAct, mail_environment
from phonehome_tools.fleet.stage import LineStage, LiveStage, Stage
from phonehome_tools.fleet.story import Seen, Story

MILESTONES = (
    ("receiver", "the receiver is up"),
    ("washer", "the washer phones home over MQTT"),
    ("fridge", "the fridge phones home over HTTP"),
    ("broken", "lint blocks the washer's drain pump, a wire breaks in the fridge"),
    ("fridge_ticket", "the fridge has a ticket"),
    ("confirmed", "the washer confirms the fault, with a freeze frame"),
    ("acked", "the report is committed and acknowledged"),
    ("ticket", "the washer has a ticket"),
    ("mended", "somebody cleans the filter and mends the wire"),
    ("healed", "the washer proves that water leaves again"),
    ("resolved", "the ticket resolved itself"),
    *SERVICE_MILESTONES,
)
WASHER, FRIDGE, ADAS = "washer", "fridge", "ada's washer"
PRODUCTS = {WASHER: "washer", FRIDGE: "fridge", ADAS: "washer"}
WASHER_FAULT, WASHER_CODE = "drain_blocked", "E21"
FRIDGE_FAULT = "fresh_ntc_open"
SHOWN = {
    WASHER: ("water_level", "pump_current", "drum_speed", "water_temp"),
    FRIDGE: ("fresh_temp", "freezer_temp", "compressor_current", "fan_speed"),
    ADAS: ("water_level", "pump_current"),
}
SHOW_MS = 250
HEARTBEAT_S = 10
SEEDS = {WASHER: 1, FRIDGE: 1, ADAS: 2}
POLL_S = 0.2
# A moment in which a person sees the open ticket before it is worked on.
PAUSE_S = 2.0
ONCE_WITHIN_S = 110.0


async def direct(state: Path | None, *, once: bool) -> int:
    """Run the demo; 0 when it came true (or Ctrl-C), ChildError with the reason otherwise."""
    story = Story(MILESTONES)
    with workplace(state) as folder, letterbox() as box, stage_for(story) as stage:
        async with Children() as children:
            demo = Demo(folder, children, story, stage, box)
            return await (demo.run_once() if once else demo.run())


class Demo:
    """The running demo: its receiver, its three boards, its letters and its story."""

    def __init__(
        self, folder: Path, children: Children, story: Story, stage: Stage, box: Letterbox
    ) -> None:
        self._box = box
        self._folder = folder
        self._children = children
        self._story = story
        self._stage = stage
        self._receiver = Receiver(folder / "receiver", children)
        self._boards: dict[str, Board] = {}

    async def run_once(self) -> int:
        """Until the ticket resolved itself; ChildError names what did not happen in time."""
        try:
            async with asyncio.timeout(ONCE_WITHIN_S):
                await self._until_resolved()
        except TimeoutError:
            missing = self._story.first_missing()
            what = missing.text if missing else "the end"
            raise ChildError(f"not within {ONCE_WITHIN_S:.0f} s: {what}") from None
        return 0

    async def run(self) -> int:
        """The same story, then stay until Ctrl-C."""
        await self._until_resolved(stay=True)
        return 0

    async def _until_resolved(self, *, stay: bool = False) -> None:
        """Play the story while boards and desk are watched; a part that fails ends it."""
        await self._receiver.start(environment=mail_environment(self._box))
        self._story.address, self._story.token = self._receiver.http, self._receiver.token
        self._reach("receiver", f"{self._receiver.http}, {self._receiver.mqtt}")
        async with self._receiver.desk() as desk:
            await self._power_on(desk)
            self._act = self._make_act(desk)
            await self._act.move_in()
            watching = [asyncio.create_task(self._follow(b)) for b in self._boards.values()]
            watching.append(asyncio.create_task(self._watch_desk(desk)))
            playing = asyncio.create_task(self._play(stay=stay))
            serving = asyncio.create_task(self._act.play())
            try:
                await self._watch(playing, serving, watching)
            finally:
                await cancel([playing, serving, *watching])

    async def _watch(
        self,
        playing: "asyncio.Task[None]",
        serving: "asyncio.Task[None]",
        watching: "list[asyncio.Task[None]]",
    ) -> None:
        """Until the story was played; what fails meanwhile ends it."""
        waiting = {playing, serving, *watching}
        while playing in waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if done & set(watching):
                raise ChildError("an appliance stopped before the story ended")

    def _make_act(self, desk: Desk) -> ServiceAct:
        def reach(key: str, detail: str) -> None:
            self._reach(key, detail)

        return ServiceAct(desk, self._receiver.http, self._boards[ADAS], self._box, reach)

    async def _power_on(self, desk: Desk) -> None:
        mqtt, http = self._receiver.mqtt, self._receiver.http
        for name, server in ((WASHER, mqtt), (FRIDGE, http), (ADAS, mqtt)):
            entry = find_product(PRODUCTS[name])
            home = Home(self._folder / name.replace("'", ""))
            await home.register(desk, PRODUCTS[name], f"demo {name}")
            home.write_config(Link(server), heartbeat_s=HEARTBEAT_S)
            home.product_file.write_bytes(entry.device_half)
            self._story.seen[name] = Seen(server.split(":")[0].upper(), SHOWN[name])
            self._boards[name] = Board(name, home, self._children)
        for name, board in self._boards.items():
            source = model_source(PRODUCTS[name], SEEDS[name])
            setup = board_setup(board.home, source, SHOW_MS, shown=SHOWN[name])
            await board.start(setup)

    async def _play(self, *, stay: bool) -> None:
        await asyncio.gather(self._story.wait(WASHER), self._story.wait(FRIDGE))
        await self._boards[WASHER].say(fault=WASHER_FAULT, on=True)
        await self._boards[FRIDGE].say(fault=FRIDGE_FAULT, on=True)
        self._reach("broken")
        await asyncio.gather(self._story.wait("ticket"), self._story.wait("fridge_ticket"))
        await asyncio.sleep(PAUSE_S)
        await self._boards[WASHER].say(fault=WASHER_FAULT, on=False)
        await self._boards[FRIDGE].say(fault=FRIDGE_FAULT, on=False)
        self._reach("mended")
        await asyncio.gather(self._story.wait("resolved"), self._story.wait("closed"))
        if stay:
            await asyncio.Event().wait()

    async def _follow(self, board: Board) -> None:
        async for event in board.events():
            self._story.seen[board.name].take(event)
            self._learn(event)

    def _learn(self, event: Event) -> None:
        """Milestones that a board tells."""
        if event.board == ADAS:
            return
        if event.name == "acked":
            self._reach(event.board)
            if event.board == WASHER and self._story.has("confirmed"):
                self._reach("acked")
        if event.name == "transition" and event.facts.get("code") == WASHER_CODE:
            kind = event.facts.get("kind")
            if kind in {"confirmed", "healed"}:
                self._reach(str(kind), f"{WASHER_CODE} after {event.at_ms / 1000:.1f} s of uptime")

    async def _watch_desk(self, desk: Desk) -> None:
        while True:
            for name, board in self._boards.items():
                for ticket in await desk.tickets(board.home.device):
                    self._story.tickets[ticket["id"]] = ticket
                    await self._learn_ticket(desk, name, ticket)
            await asyncio.sleep(POLL_S)

    async def _learn_ticket(self, desk: Desk, name: str, ticket: Mapping[str, Any]) -> None:
        """Milestones that the desk tells."""
        if name == ADAS:
            await self._act.learn_ticket(ticket)
        elif name == FRIDGE:
            self._reach("fridge_ticket", title_of(ticket))
        elif ticket["code"] == WASHER_CODE and not self._story.has("ticket"):
            whole = await desk.ticket(ticket["id"])
            if whole["freeze_frames"]:
                self._reach(
                    "ticket", f"{title_of(ticket)}, {frame_words(whole['freeze_frames'][0])}"
                )
        elif ticket["code"] == WASHER_CODE and is_proven(ticket, self._story):
            self._reach("resolved")

    def _reach(self, key: str, detail: str = "") -> None:
        milestone = self._story.reach(key, detail)
        if milestone is not None:
            self._stage.show(milestone)


def is_proven(ticket: Mapping[str, Any], story: Story) -> bool:
    """Whether a ticket resolved after the device itself proved recovery."""
    return bool(ticket["state"] == "resolved" and story.has("healed"))


def title_of(ticket: Mapping[str, Any]) -> str:
    """A ticket in a few words."""
    return f"{ticket['code']} {ticket['title']}"


def frame_words(frame: Mapping[str, Any]) -> str:
    """A freeze frame in a few words."""
    channels = frame["channels"]
    return f"freeze frame of {len(channels)} sensors with {len(channels[0]['values'])} samples"


async def cancel(tasks: "list[asyncio.Task[None]]") -> None:
    """End tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def workplace(state: Path | None) -> Iterator[Path]:
    """The folder of the demo: the given one, or one that is gone afterwards."""
    if state is not None:
        yield state
        return
    with tempfile.TemporaryDirectory(prefix="phonehome-demo-") as folder:
        yield Path(folder)


def stage_for(story: Story) -> Stage:
    """A live picture on a terminal, lines elsewhere."""
    return LiveStage(story) if sys.stdout.isatty() else LineStage(story)
