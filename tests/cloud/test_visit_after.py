"""What comes after a visit that is over, as its page says it."""

import pytest

from phonehome_cloud.core.caring import AGREED, RUNNING, WAITING_CONSENT, ActionKey, ActionRow
from phonehome_cloud.store import care, tickets, visit_after, visit_answers
from tests.cloud.visited import DEVICE, KEY, NOW, OWNER, begin, opened


@pytest.mark.usefixtures("each_database")
@pytest.mark.parametrize(
    ("kind", "state", "after"),
    [
        (None, None, visit_after.UNDECIDED),
        ("lead", WAITING_CONSENT, visit_after.ASKED),
        ("person", RUNNING, visit_after.WITH_PERSON),
        ("self_help", RUNNING, visit_after.UNDER_WAY),
        ("part", AGREED, visit_after.UNDER_WAY),
    ],
)
def test_after_a_visit_its_page_knows_what_comes_next(tmp_path, kind, state, after):
    """As the newest action is, until the ticket has ended; then nothing does."""
    key = ActionKey(*KEY)
    with opened(tmp_path) as database:
        database.write_now(begin)
        database.write_now(visit_answers.decline, key, f"owner:{OWNER}", NOW)
        if kind:
            row = ActionRow(DEVICE, 1, 1, kind, None, state, "rule", "owner", NOW)
            database.write_now(care.save_actions, [row], ())
        assert database.read_now(visit_after.read_after, key).next == after
        database.write_now(tickets.change_state, DEVICE, 1, "closed", "test", NOW)
        assert database.read_now(visit_after.read_after, key).next == visit_after.ENDED
