"""Texts of devices, which may hold any character."""

import pytest

from phonehome_cloud.store import schema
from tests.fakes.appliance import Appliance, hello
from tests.fakes.store import StoreReceiver

pytestmark = pytest.mark.usefixtures("each_database")


async def test_a_nul_in_a_text_spoils_no_record(tmp_path):
    """PostgreSQL keeps none in a text: people see that something was there, on both databases."""
    receiver, washer = StoreReceiver(tmp_path), Appliance()
    await receiver.register(washer)
    reply = await receiver.accept(washer.message([hello(platform="a\0board")]))
    assert reply.status == 200
    await receiver.digest_all()
    (row,) = await receiver.rows(schema.session)
    (event,) = await receiver.rows(schema.device_event)
    receiver.close()
    assert (row.platform, event.body["platform"]) == ("a\ufffdboard", "a\ufffdboard")
