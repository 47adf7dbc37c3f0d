"""Registering a device again: the same key is the same registration, another one is a question."""

import pytest
from sqlalchemy import select

from phonehome_cloud.core.labels import code_hash, maybe_code
from phonehome_cloud.store.schema import device
from phonehome_cloud.web.parts import DATABASE
from tests.cloud.running import running

pytestmark = pytest.mark.usefixtures("each_database")
DEVICE = "a4cf12fffe05d3b1"
OLD, NEW = "0f" * 32, "f0" * 32


def body(key=OLD, product="washer", **more):
    """What registers the device under a key of its own."""
    return {"device": DEVICE, "product": product, "label": "one", "key": key, **more}


def stored_hash(connection):
    """What the store has of the code on the label."""
    return connection.execute(select(device.c.code_hash)).scalar()


async def test_a_lost_answer_is_asked_for_again(tmp_path):
    """The same key again is no conflict; the label gets another code, and the old one ends."""
    async with running(tmp_path) as receiver:
        first = await receiver.api("POST", "/devices", 201, json=body())
        again = await receiver.api("POST", "/devices", 201, json=body())
        assert (first["epoch"], again["epoch"]) == (1, 1)
        assert first["code"] != again["code"]
        held = await receiver.app[DATABASE].read(stored_hash)
        assert held == code_hash(DEVICE, maybe_code(again["code"]))
        assert "code" not in await receiver.api("GET", f"/devices/{DEVICE}")


@pytest.mark.parametrize("other", [{"key": NEW}, {"product": "fridge"}])
async def test_another_key_or_product_is_a_conflict_unless_asked_for(tmp_path, other):
    """Nobody takes a device over by accident; whoever says replace gets the next epoch."""
    async with running(tmp_path) as receiver:
        await receiver.api("POST", "/devices", 201, json=body())
        await receiver.api("POST", "/devices", 409, json=body(**other))
        made = await receiver.api("POST", "/devices", 201, json=body(**other, replace=True))
        assert made["epoch"] == 2
        found = await receiver.api("GET", f"/devices/{DEVICE}")
        assert found["product"] == other.get("product", "washer")


async def test_a_revoked_device_comes_back_by_a_new_key(tmp_path):
    """A board that went through the bench again may speak again."""
    async with running(tmp_path) as receiver:
        await receiver.api("POST", "/devices", 201, json=body())
        await receiver.api("POST", f"/devices/{DEVICE}/revoke", 200)
        await receiver.api("POST", "/devices", 409, json=body())
        made = await receiver.api("POST", "/devices", 201, json=body(NEW, replace=True))
        assert made["revoked_at"] is None
