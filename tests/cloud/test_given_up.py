"""What could not be sent for days: the ticket that waits for it comes into a person's hands."""

import pytest

from phonehome_cloud.core.telling.effect import DEAD, NOTICE, SERVICE, WAITING, Effect
from phonehome_cloud.core.telling.retrying import Later
from phonehome_cloud.core.tickets import CLOSED
from phonehome_cloud.store import care, effects, hooks, outbox, schema, tickets
from phonehome_cloud.store.acting_tables import assignment
from phonehome_cloud.store.dispatching import Post as Parcel
from phonehome_cloud.store.people_tables import part, supplier
from phonehome_cloud.store.telling_tables import unreachable
from phonehome_cloud.workers.outgoing import make_letters, make_telling
from phonehome_cloud.workers.telling import _finish
from tests.cloud.cutting import cut_at_each
from tests.cloud.household import CLOGGED, DAY, TORN
from tests.cloud.outgoing import Counted
from tests.cloud.running import settings
from tests.cloud.test_bounces import Post
from tests.fakes.mailbox import mailbox
from tests.fakes.subscriber import subscriber

HOUR = 3_600_000
BUSY = "451 4.7.1 come back later"


@pytest.fixture
def post(tmp_path, each_database):
    """A household whose mail server is busy, for ever."""
    with mailbox() as box:
        made = Post(tmp_path, box)
        box.script = [BUSY] * 100
        yield made
        made.close()


async def try_for_days(post, kind="mail", days=8):
    """Every hour again; what goes on beside that is not looked at."""
    for _ in range(days * 24):
        post.clock.advance(HOUR)
        while await post.loops[kind].step():
            await post.loops[kind].settle()


async def test_what_our_own_server_refuses_for_days_goes_to_a_person(post):
    """The owner never read of the steps: they end, and somebody has the ticket, once."""
    await post.says(await post.pump(), turns=CLOGGED)
    await post.care()
    await try_for_days(post)
    row = await post.effect("self_help")
    assert (row.state, "451" in row.failure) == (DEAD, True)
    for _ in range(2):
        await post.go_on()
    first, second = await post.actions()
    assert (first.state, second.kind, second.state) == ("cancelled", "person", "running")
    assert len(await post.rows(assignment)) == 1
    (noted,) = [one for one in await post.history("action") if "reason" in (one.evidence or {})]
    assert noted.text == "what is sent to the owner does not arrive"
    assert "451 4.7.1" in noted.evidence["reason"]


async def ordered(post, url):
    """A part that a supplier has to send, who gets orders at a URL."""

    def add(connection):
        row = {"supplier": "sieves", "name": "Sieves", "language": "en", "lead_days": 3}
        connection.execute(supplier.insert().values(**row, updated_at=1))
        row = {"part": "SIEVE-1", "title": "Sieve", "price_cents": 600, "currency": "EUR"}
        connection.execute(part.insert().values(**row, supplier="sieves", updated_at=1))
        row = {"url": url, "label": "", "events": [], "audience": "supplier:sieves"}
        hooks.add(connection, post.vault, row | {"created_at": 1, "created_by": "token:test"})

    await post.do(add)
    await post.says(await post.pump(), turns=TORN)
    await post.care()
    post.clock.advance(HOUR)
    await post.go_on()
    return await post.effect("part.ordered")


async def test_an_order_that_its_supplier_does_not_take_is_in_somebodys_hands(tmp_path, post):
    """The order stands, the desk is told why, and somebody has the ticket until they saw to it."""
    config = settings(tmp_path, WEBHOOKS_NETWORKS="127.0.0.0/8")
    given = config, make_letters(config, {}), post.database, post.vault, post.clock, Counted()
    async with subscriber() as there:
        there.script = [(503, {})] * 100
        assert (await ordered(post, there.url)).state == WAITING
        post.loops |= make_telling(*given, lambda sender: sender, "test")
        await try_for_days(post, "webhook")
    await post.go_on()
    assert [(one.kind, one.state) for one in await post.actions()] == [("part", "running")]
    told = await post.effect("unreachable")
    assert (told.recipient, told.data["who"]) == ("desk", "supplier")
    assert "HTTP status 503" in told.data["reason"]
    (given,) = await post.rows(assignment)
    assert (given.action, given.ended_at) == (None, None)
    ticket = await post.ticket()
    key = ticket.device, ticket.number
    post.clock.advance(HOUR)
    await post.do(tickets.comment, *key, "token:ops", "I called them", post.clock())
    post.clock.advance(3 * DAY)
    await post.go_on()
    (given,) = await post.rows(assignment)
    assert given.outcome == "seen"


async def test_who_never_looked_at_a_ticket_that_has_ended_has_it_no_more(post):
    """The ticket closes by itself; nobody is reminded of what goes on about it."""
    await post.stock("SIEVE-1")
    await post.says(await post.pump(), turns=TORN)
    await post.care()
    await try_for_days(post)
    await post.go_on()
    ticket = await post.ticket()
    key = ticket.device, ticket.number
    await post.do(care.change_state, *key, CLOSED, "token:ops", post.clock())
    post.clock.advance(3 * DAY)
    await post.go_on()
    assert [one.outcome for one in await post.rows(assignment)] == [CLOSED]


@pytest.mark.parametrize(("weight", "persons"), [(SERVICE, 1), (NOTICE, 0)])
async def test_what_expired_unsent_counts_when_somebody_waited_for_it(post, weight, persons):
    """A receiver that was off for a week; what was only good to know is no loss."""
    await post.says(await post.pump(), turns=None)
    ticket = await post.ticket()
    about = ticket.device, ticket.number, post.clock(), post.clock() + HOUR
    made = Effect("x", "mail", "owner:" + "0" * 15 + "1", "still_there", {}, *about, weight=weight)
    await post.do(effects.add, made)
    post.clock.advance(2 * HOUR)
    await post.loops["mail"].step()
    rows = await post.rows(unreachable)
    assert [row.reason for row in rows] == ["expired before it could be sent"] * persons


async def test_without_any_mail_no_ticket_is_anybodys_for_it(tmp_path, post):
    """Whoever runs a receiver without mail knows; the page of what leaves says so."""
    config = settings(tmp_path)
    given = config, make_letters(config, {}), post.database, post.vault, post.clock, Counted()
    post.loops = make_telling(*given, lambda sender: sender, "test")
    await post.says(await post.pump(), turns=CLOGGED)
    await post.care()
    await try_for_days(post, days=1)
    assert (await post.effect("self_help")).state == DEAD
    assert await post.rows(unreachable) == []


async def test_giving_up_is_whole_or_not_at_all_and_once(post):
    """Cut at each statement the effect still waits and nobody was told; a receiver whose lease is
    over changes nothing any more.
    """
    await post.says(await post.pump(), turns=CLOGGED)
    await post.care()
    row = await post.effect("self_help")
    last_at = row.expires_at - 1
    await post.do(outbox.lease, row.key, last_at)
    given = Parcel(row, None, "", (), ""), Later(BUSY), last_at, 0.1

    async def nothing_is_done():
        assert (await post.effect("self_help")).state == WAITING
        assert await post.rows(unreachable) == []

    engine = post.database.engine
    assert await cut_at_each(engine, lambda: post.do(_finish, *given), nothing_is_done) > 4
    assert (await post.effect("self_help")).state == DEAD
    (told,) = await post.rows(unreachable)
    await post.do(_finish, *given[:2], last_at + HOUR, 0.1)
    assert await post.rows(unreachable) == [told]
    assert len(await post.rows(schema.effect_attempt)) == 1
