"""The demo's story and how it is shown; the demo itself is played in tests/flow."""

import io

from rich.console import Console

from phonehome_tools.fleet.board import Event
from phonehome_tools.fleet.direction import MILESTONES, frame_words, is_proven
from phonehome_tools.fleet.stage import LiveStage, milestone_line
from phonehome_tools.fleet.story import Seen, Story
from phonehome_tools.fleet.telling import LiveTelling

TICKET = {"id": "a-1", "code": "E21", "title": "Drain pump blocked", "state": "open"}


def text_of(renderable) -> str:
    """What a terminal of 120 columns would show."""
    console = Console(file=io.StringIO(), width=120, force_terminal=False)
    console.print(renderable)
    return console.file.getvalue()


def test_a_milestone_is_reached_once():
    """The first time counts, and the next one is what the story waits for."""
    story = Story(MILESTONES)
    assert story.first_missing().key == "receiver"
    assert "here" in milestone_line(story.reach("receiver", "here"))
    assert story.reach("receiver", "again") is None
    assert story.first_missing().key == "washer"


def test_the_picture_shows_all_of_the_story():
    """Milestones, appliances, tickets, the page and its token are on one screen."""
    story = Story(MILESTONES)
    story.reach("receiver")
    story.seen["washer"] = Seen("MQTT", ("water_level",))
    facts = {"phase": "drain", "values": {"water_level": 82, "other": 1}, "depth": 3}
    story.seen["washer"].take(Event("washer", "state", 1000, facts))
    story.seen["washer"].take(Event("washer", "sent", 1000, {}))
    story.tickets["a-1"] = TICKET
    story.address, story.token = "http://127.0.0.1:1", "a-token"
    shown = text_of(LiveStage(story)._draw())
    for words in ("✓", "drain", "water_level 82", "E21", "http://127.0.0.1:1", "a-token"):
        assert words in shown
    assert "other" not in shown
    assert "Ctrl-C" not in shown


def test_the_end_of_the_story_says_how_to_leave():
    """When everything has happened the picture says how to end it."""
    story = Story(MILESTONES)
    story.address = "http://127.0.0.1:1"
    for key in story.milestones:
        story.reach(key)
    assert story.first_missing() is None
    assert "Ctrl-C" in text_of(LiveStage(story)._draw())


def test_only_proven_recovery_counts():
    """A ticket that somebody resolved by hand is not the end of the story."""
    story = Story(MILESTONES)
    resolved = {**TICKET, "state": "resolved"}
    assert not is_proven(resolved, story)
    story.reach("healed")
    assert is_proven(resolved, story)
    assert not is_proven(TICKET, story)


def test_a_freeze_frame_in_words():
    """How much a freeze frame holds is said in numbers."""
    frame = {"channels": [{"values": [1, 2, 3]}, {"values": [None, 2, 3]}]}
    assert frame_words(frame) == "freeze frame of 2 sensors with 3 samples"


def test_the_fleet_table_shows_the_newest_state():
    """Each board has one row with its phase, its values and what waits."""
    telling = LiveTelling(["washer-1", "washer-2"])
    facts = {"phase": "spin", "values": {"drum_speed": 1200, "vibration": None}, "depth": 2}
    telling.tell(Event("washer-2", "state", 5, facts))
    shown = text_of(telling._draw())
    assert "washer-1" in shown
    assert "spin" in shown
    assert "drum_speed 1200  vibration -" in shown
