"""How the story is shown: a live picture on a terminal, a line a milestone everywhere else."""

from typing import Protocol, Self

# The live picture; rich restores the terminal on every way out.
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from phonehome_tools.fleet.story import Milestone, Story
from phonehome_tools.fleet.telling import values_text

TICKET_STYLES = {"open": "bold red", "resolved": "bold green", "closed": "dim"}
BAR_WIDTH = 30
GAP = Text()


class Stage(Protocol):
    """Something that shows a story; a context manager."""

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(self, *_: object) -> None:
        """End, with the last picture left standing."""

    def show(self, milestone: Milestone) -> None:
        """A milestone was just reached."""


class LineStage:
    """One line a milestone, for logs and pipes."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._console = Console(highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        """Nothing to set up."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take down."""

    def show(self, milestone: Milestone) -> None:
        """Print it."""
        self._console.print(escape(milestone_line(milestone)))


class LiveStage:
    """The picture: milestones, appliances, tickets, and where the page is."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._spinner = Spinner("dots")
        self._live = Live(get_renderable=self._draw, refresh_per_second=8)

    def __enter__(self) -> Self:
        """Take over the terminal."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back, the last picture stays."""
        self._live.stop()

    def show(self, milestone: Milestone) -> None:
        """The next picture has it."""

    def _draw(self) -> RenderableType:
        parts: list[RenderableType] = [self._draw_milestones(), GAP, self._draw_appliances()]
        if self._story.tickets:
            parts += [GAP, self._draw_tickets()]
        if self._story.address:
            parts += [GAP, self._draw_address()]
        return Panel(
            Group(*parts), title="phonehome: appliances that make their own service calls"
        )

    def _draw_milestones(self) -> RenderableType:
        milestones = self._story.milestones.values()
        reached = sum(m.reached.is_set() for m in milestones)
        table = Table.grid(padding=(0, 1))
        current = self._story.first_missing()
        for milestone in milestones:
            if milestone.reached.is_set():
                line = f"[dim]{milestone.at_s:5.1f} s[/] {escape(milestone_words(milestone))}"
                table.add_row("[green]✓[/]", line)
            elif milestone is current:
                table.add_row(self._spinner, f"        {escape(milestone.text)}")
            else:
                table.add_row("", f"        [dim]{escape(milestone.text)}[/]")
        table.add_row("", ProgressBar(len(milestones), reached, BAR_WIDTH))
        return table

    def _draw_appliances(self) -> RenderableType:
        table = Table("appliance", "link", "phase", "sensors", "reports", "acks", box=None)
        for name, seen in self._story.seen.items():
            values = values_text(seen.values, len(seen.values))
            table.add_row(name, seen.link, seen.phase, values, str(seen.sent), str(seen.acked))
        return table

    def _draw_tickets(self) -> RenderableType:
        table = Table("ticket", "problem", "state", box=None)
        for ticket in self._story.tickets.values():
            state = str(ticket["state"])
            words = Text(state, TICKET_STYLES.get(state, "yellow"))
            table.add_row(str(ticket["code"]), str(ticket["title"]), words)
        return table

    def _draw_address(self) -> RenderableType:
        story = self._story
        words = "" if story.first_missing() else "   Ctrl-C ends it"
        return Text.assemble(
            "page ", (story.address, "bold underline"), "   token ", (story.token, "bold"), words
        )


def milestone_words(milestone: Milestone) -> str:
    """What happened, with its detail."""
    return f"{milestone.text}: {milestone.detail}" if milestone.detail else milestone.text


def milestone_line(milestone: Milestone) -> str:
    """A reached milestone in one line."""
    return f"{milestone.at_s:6.1f} s  {milestone_words(milestone)}"
