"""Links: what opens a page, for what, how often and until when."""

import pytest
from sqlalchemy import select

from phonehome_cloud import migrations
from phonehome_cloud.errors import GoneError, NotFoundError
from phonehome_cloud.store import links
from phonehome_cloud.store.database import Database
from phonehome_cloud.store.people_tables import link
from tests.fakes.bases import base_url

pytestmark = pytest.mark.usefixtures("each_database")
NOW, LATER = 1_000, 2_000


@pytest.fixture
def database(tmp_path, each_database):
    """An empty database of each kind."""
    made = Database(base_url(tmp_path))
    made.open()
    migrations.prepare(made)
    yield made
    made.close()


def test_a_link_opens_what_it_was_made_for(database):
    """As often as somebody likes, and nothing else: another purpose or token finds nothing."""
    token = database.write_now(links.make, "visit", "a4cf12fffe05d3b1-1", LATER)
    for _ in range(2):
        assert database.write_now(links.open, token, "visit", NOW) == "a4cf12fffe05d3b1-1"
    for wrong in ((token, "owner"), (token[:-1], "visit"), ("", "visit"), ("é" * 43, "visit")):
        with pytest.raises(NotFoundError, match="no such link"):
            database.write_now(links.open, *wrong, NOW)


def test_a_link_ends_at_its_moment(database):
    """Up to it, and not at it; expired ones can be swept away."""
    token = database.write_now(links.make, "visit", "x", LATER)
    assert database.write_now(links.open, token, "visit", LATER - 1) == "x"
    with pytest.raises(GoneError, match="expired"):
        database.write_now(links.open, token, "visit", LATER)
    assert database.write_now(links.forget_expired, LATER) == 0
    assert database.write_now(links.forget_expired, LATER + 1) == 1


def test_a_link_is_spent_once(database):
    """A replayed token is told apart from an unknown one, and changes nothing."""
    token = database.write_now(links.make, "visit", "x", LATER)
    assert database.write_now(links.spend, token, "visit", NOW) == "x"
    for again in (links.spend, links.open):
        with pytest.raises(GoneError, match="used already"):
            database.write_now(again, token, "visit", NOW)


def test_links_of_a_subject_end_together(database):
    """Who is told to forget them, forgets them all; those of others stay."""
    old = [database.write_now(links.make, "owner", "owner:1", LATER) for _ in range(2)]
    kept = database.write_now(links.make, "owner", "owner:2", LATER)
    database.write_now(links.end, "owner", "owner:1")
    for token in old:
        with pytest.raises(NotFoundError):
            database.write_now(links.open, token, "owner", NOW)
    assert database.write_now(links.open, kept, "owner", NOW) == "owner:2"


def test_a_stolen_database_opens_no_page(database):
    """The token itself is nowhere in it."""
    token = database.write_now(links.make, "owner", "owner:1", LATER)
    rows = database.read_now(lambda connection: connection.execute(select(link)).all())
    assert len(rows) == 1
    assert token not in repr(rows)
    assert token.encode() not in rows[0].hash
