"""Parts and leads on their way, on both databases: what suppliers, owners and sales are told."""

import pytest

from phonehome_cloud.core.acting import part_orders
from phonehome_cloud.core.acting.part_orders import OrderKey
from phonehome_cloud.core.caring import HELPED, WAITING_CONSENT, StartError
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store import care
from phonehome_cloud.store.acting import leads, parts
from phonehome_cloud.store.acting_tables import (
    lead,
    part_order,
)
from phonehome_cloud.store.people_tables import appliance, reservation
from phonehome_cloud.store.schema import webhook
from tests.cloud.kettle import DAY, DEVICE, OWNER

KEY = (DEVICE, 1, 0)
HOUR = 3_600_000


def test_parts_from_the_depot_are_reserved_and_held(home):
    """Two lids are kept, the owner hears what they cost, and nobody packs before the window."""
    home.stock_lids(3)
    home.start("new_lid", payer="warranty")
    (row,) = home.rows(part_order)
    assert (row["state"], row["source"], row["total"]) == ("held", "stock", 1900)
    assert home.free_lids() == 1
    (_, template, data) = home.letters()[0]
    assert (template, data["total"], data["payer"]) == ("part_ordered", "19.00 EUR", "warranty")
    home.pursue()
    assert home.rows(part_order)[0]["state"] == "held"
    home.clock.advance(part_orders.CANCEL_WINDOW_MS)
    home.pursue()
    assert home.rows(part_order)[0]["state"] == "sent"
    (to, _, data) = home.letters("part_pick")[0]
    assert (to, data["ship_to"]["street"]) == ("desk", "Kirchweg 5")


def test_an_order_taken_back_gives_back_its_parts(home):
    """Within the window it costs nobody anything; behind it the supplier has to refuse."""
    home.stock_lids(2)
    home.start("new_lid")
    assert home.free_lids() == 0

    def cancel(connection):
        row = parts.expect(connection, OrderKey(*KEY))
        parts.cancel(connection, row, home.clock())

    home.do(cancel)
    assert (home.free_lids(), home.rows(reservation)) == (2, [])
    with pytest.raises(ConflictError):
        home.do(cancel)


def test_the_last_lid_is_nobodys_twice(home):
    """One lid too few, and no supplier: the action cannot start, and none is kept."""
    home.stock_lids(1)
    with pytest.raises(StartError, match="nobody has part K-LID-1"):
        home.start("new_lid")
    assert home.free_lids() == 1
    assert home.rows(part_order) == []


def test_nothing_is_sent_to_nobody(home):
    """The owner was erased while the order was held: it is taken back, with its parts."""
    home.stock_lids(2)
    home.start("new_lid")
    home.do(lambda c: c.execute(appliance.update().values(owner=None)))
    home.clock.advance(part_orders.CANCEL_WINDOW_MS)
    home.pursue()
    assert (home.action().state, home.free_lids()) == ("cancelled", 2)
    assert home.letters("part_pick") == []


def order(home):
    """An order that a supplier has."""
    home.stock_lids(0, lead_days=3)
    home.start("new_lid")
    home.clock.advance(part_orders.CANCEL_WINDOW_MS)
    home.pursue()


def hear(home, event, said, **detail):
    """A supplier's word."""

    def take(connection):
        row = parts.expect(connection, OrderKey(*KEY))
        return parts.hear(connection, row, event, said, home.clock(), detail)

    return home.do(take)


def test_an_order_goes_to_the_supplier_on_paper(home):
    """A supplier without a webhook gets a letter with the order as a document."""
    order(home)
    (to, _, data) = home.letters("part_order")[0]
    assert to == "supplier:lids"
    assert data["order"] == f"{DEVICE}-1-0"


def test_a_supplier_is_heard_once_and_in_any_order(home):
    """The same message twice is one; what is older than the newest word changes nothing."""
    order(home)
    assert hear(home, "m1", "back_ordered", expected_at=home.clock() + 9 * DAY) == "back_ordered"
    assert hear(home, "m1", "back_ordered") is None
    assert hear(home, "m2", "shipped", tracking="T-1") == "shipped"
    assert hear(home, "m3", "accepted") is None
    assert hear(home, "m4", "delivered") == "delivered"
    (row,) = home.rows(part_order)
    assert (row["state"], row["tracking"], row["ended_at"]) == ("delivered", "T-1", home.clock())
    with pytest.raises(ConflictError):
        hear(home, "m5", "refused")


def test_a_silent_supplier_is_asked_about(home):
    """After three days without a word the desk is told, and again later."""
    order(home)
    for n in (1, 2):
        home.clock.advance(part_orders.SILENCE_MS)
        home.pursue()
        assert len(home.letters("order_silent")) == n


def test_shipped_parts_have_left_the_depot(home):
    """What was reserved is gone for good when it is on its way."""
    home.stock_lids(2)
    home.start("new_lid")
    home.clock.advance(part_orders.CANCEL_WINDOW_MS)
    home.pursue()
    hear(home, "m1", "shipped")
    home.do(care.conclude, KEY, HELPED, "owner", home.clock())
    assert (home.free_lids(), home.rows(reservation)) == (0, [])


# ---- leads ----------------------------------------------------------------------------------


def test_an_owner_is_asked_before_sales_hears_of_them(home):
    """The question names the reasons; only the yes makes a lead, with its reasons."""
    home.start("new_one", state=WAITING_CONSENT, lane="lead")
    ((to, template, data),) = home.letters()
    assert (to, template, data["terms"]["kind"]) == (f"owner:{OWNER}", "consent", "lead")
    assert home.rows(lead) == []
    home.do(care.decline, KEY, "owner", home.clock())
    home.start("new_one", n=1, lane="lead")
    (row,) = home.rows(lead)
    assert row["reasons"] == ["It is 6 years old; it was made for 5."]
    assert [to for to, *_ in home.letters("lead")] == ["sales"]
    assert home.letters("lead.wanted") == []


def test_who_takes_leads_by_webhook_gets_them_there_too(home):
    """Only then is there an event: else each lead would be a dead letter."""
    row = {"webhook": "00000000000000bb", "url": "https://crm.example", "label": "CRM"}
    more = {"events": [], "audience": "sales", "created_at": home.clock(), "created_by": "ada"}
    home.do(lambda c: c.execute(webhook.insert().values(**row, **more)))
    home.start("new_one", lane="lead")
    ((to, _, data),) = home.letters("lead.wanted")
    assert to == "sales"
    assert data["reasons"] == ["It is 6 years old; it was made for 5."]


def test_never_means_never(home):
    """Who opted out is not asked again, whatever the next ticket says."""
    row = home.start("new_one", state=WAITING_CONSENT)
    home.do(leads.opt_out, row, OWNER, home.clock())
    home.do(care.decline, KEY, "owner", home.clock())
    with pytest.raises(StartError, match="no offers"):
        home.start("new_one", n=1, state=WAITING_CONSENT)
    assert home.do(leads.list_newest, None, 10) == []
