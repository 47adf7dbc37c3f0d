"""What somebody at a device provoked to test it, in the real database."""

from pathlib import Path

import phonehome_product
from phonehome_cloud.core.tickets import OPEN
from phonehome_cloud.store import schema
from phonehome_wire.registry import KIND_CLEARED, KIND_HEALED, METRIC_TEST
from tests.fakes.appliance import Appliance, fault
from tests.fakes.store import StoreReceiver

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"


async def test_it_opens_nothing_and_moves_nothing(tmp_path):
    """It is history only, and neither heals nor repeats a ticket that is open for a real fault."""
    product = phonehome_product.load(PRODUCTS / "washer.toml")
    receiver, washer = StoreReceiver(tmp_path, products=[product]), Appliance()
    await receiver.register(washer, product="washer")
    known = product.faults[0]
    words = {"spn": known.id, "fmi": known.fmi}
    marked = {"context": {METRIC_TEST: 1}, **words}

    async def report(now_ms, *records):
        reply = await receiver.accept(washer.message(records, now_ms=now_ms))
        assert reply.status == 200
        await receiver.digest_all()

    await report(60_000, fault(0, **marked), fault(1, KIND_CLEARED, **marked))
    assert await receiver.rows(schema.ticket) == []
    assert len(await receiver.rows(schema.fault_event)) == 2
    await report(61_000, fault(2, **words))
    (real,) = await receiver.rows(schema.ticket)
    await report(62_000, fault(3, **marked), fault(4, KIND_HEALED, **marked))
    (after,) = await receiver.rows(schema.ticket)
    assert (after.state, after.occurrences, after.resolve_at) == (OPEN, 1, None)
    assert after.updated_at == real.updated_at
    receiver.close()
