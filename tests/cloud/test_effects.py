"""The outbox of effects as a table: one occasion is one effect, and secrets are sealed."""

import pytest

from phonehome_cloud.core.telling.effect import Attachment
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import effects, hooks, schema
from tests.fakes.store import START_AT, StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")

DAY_MS = 86_400_000


def effect(key="resolved:1", to="owner:7", **more):
    """A letter to an owner."""
    fields = {
        "kind": "mail",
        "template": "ticket_resolved",
        "data": {"code": "E21"},
        "device": None,
        "ticket": None,
        "due_at": START_AT,
        "expires_at": START_AT + DAY_MS,
    }
    return effects.Effect(key=key, to=to, **fields | more)


@pytest.fixture
def receiver(tmp_path):
    """A store."""
    made = StoreReceiver(tmp_path)
    yield made
    made.close()


async def test_the_same_key_twice_is_one_effect(receiver):
    """Whoever considers a ticket again writes its letter again, and one of them exists."""
    calendar = Attachment("visit.ics", "text/calendar", b"BEGIN:VCALENDAR", "REQUEST")
    for data in ({"code": "E21"}, {"code": "E99"}):
        letter = effect(data=data, attachments=(calendar,))
        await receiver.database.write(effects.add, letter)
    (row,) = await receiver.rows(schema.effect)
    assert (row.state, row.data, row.attempts) == ("waiting", {"code": "E21"}, 0)
    assert Attachment.from_json(row.attachments[0]) == calendar


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"key": "two\r\nlines"}, "effect.key"),
        ({"key": "ends.in.a.stop"}, "effect.key"),
        ({"to": "owner:7\nBcc: all"}, "effect.to"),
        ({"to": "everybody"}, "effect.to"),
        ({"template": "../secrets"}, "effect.template"),
        ({"kind": "pigeon"}, "effect.kind"),
        ({"weight": "urgent"}, "effect.weight"),
        ({"expires_at": START_AT}, "effect.expires_at"),
    ],
)
def test_an_effect_that_could_not_be_sent_is_refused_where_it_is_written(wrong, named):
    """The error names the field, its value and what it wants."""
    with pytest.raises(ValueError, match=named):
        effect(**wrong)


async def test_an_effect_is_taken_back_only_before_it_is_begun(receiver):
    """What may be on its way stays as it is."""
    write = receiver.database.write
    await write(effects.add, effect())
    assert await write(effects.cancel, "resolved:1", "the fault is back", START_AT)
    assert not await write(effects.cancel, "resolved:1", "again", START_AT)
    (row,) = await receiver.rows(schema.effect)
    assert (row.state, row.failure) == ("cancelled", "the fault is back")


async def test_a_reader_who_is_erased_leaves_keys_and_times(receiver):
    """Nothing more goes to them, nothing that they were told stays, others keep theirs."""
    write = receiver.database.write
    await write(effects.add, effect())
    await write(effects.add, effect("resolved:2", "owner:8"))
    assert await write(effects.forget, "owner:7", START_AT) == 1
    gone, kept = await receiver.rows(schema.effect, schema.effect.c.key)
    assert (gone.state, gone.data) == ("cancelled", {})
    assert (kept.state, kept.data) == ("waiting", {"code": "E21"})


def webhook(audience=None, *events):
    """The columns of a webhook."""
    about = {"url": "https://example.com/hook", "label": "", "created_by": "token:test"}
    return about | {"events": list(events), "audience": audience, "created_at": START_AT}


async def test_secrets_are_sealed_and_rotated_with_an_overlap(receiver):
    """No secret is in the table; after a rotation both sign until the old one's time is over."""
    write, read = receiver.database.write, receiver.database.read
    hook, first = await write(hooks.add, receiver.vault, webhook())
    second = await write(hooks.rotate, receiver.vault, hook, START_AT, START_AT + DAY_MS)
    rows = await receiver.rows(schema.webhook_secret)
    assert not any(secret in bytes(row.sealed) for row in rows for secret in (first, second))
    load = (hooks.load_secrets, receiver.vault, hook)
    assert await read(*load, START_AT) == [second, first]
    assert await read(*load, START_AT + DAY_MS) == [second]


async def test_an_event_goes_to_whoever_subscribes(receiver):
    """To those that want all, its type or a start of it; never to an audience's, and once."""
    write = receiver.database.write
    for row in (webhook(), webhook(None, "ticket."), webhook(None, "visit.")):
        await write(hooks.add, receiver.vault, row)
    sales, _ = await write(hooks.add, receiver.vault, webhook("sales"))
    for _ in range(2):
        event = "resolved:1", "ticket.resolved", {"ticket": 1}, None, None, START_AT
        assert await write(hooks.announce, *event) == 2
    assert await receiver.count(schema.effect) == 2
    found = await receiver.database.read(hooks.maybe_for, "sales")
    assert found["webhook"] == sales
    with pytest.raises(ConflictError, match="sales"):
        await write(hooks.add, receiver.vault, webhook("sales"))
