"""An order leaves: to the supplier's webhook or by mail with a document, or to our own depot."""

from typing import Any

from sqlalchemy import Connection, Row

from phonehome_cloud.core.acting.part_orders import (
    FROM_STOCK,
    TO_OWNER,
    Line,
    OrderKey,
    money,
    order_id,
    write_document,
)
from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.core.telling.effect import WEBHOOK, Attachment
from phonehome_cloud.store import hooks

from . import letters


def send(
    connection: Connection, row: Row[Any], named: OrderKey, owner: Owner | None, now_at: int
) -> None:
    """Write the effect that tells who packs it; the address goes there and nowhere else."""
    lines = [Line(x["part"], x["title"], x["count"], x["price"]) for x in row.lines]
    ship_to = _ship_to(owner) if row.destination == TO_OWNER else {}
    number = order_id(named)
    key = letters.key_of("order", *named.action, named.again())
    data = {
        "order": number,
        "lines": [{"part": x.part, "title": x.title, "count": x.count} for x in lines],
        "total": money(row.total, row.currency),
        "payer": row.payer,
        "destination": row.destination,
        "ship_to": ship_to,
        "callback": f"/supplier/orders/{number}",
    }
    if row.source == FROM_STOCK:
        letters.tell_desk(connection, key, "part_pick", data, row.device, row.ticket, now_at)
        return
    hook = hooks.maybe_for(connection, f"supplier:{row.supplier}")
    about = row.device, row.ticket, now_at
    if hook is not None and hook["disabled_at"] is None:
        name = "part.ordered"
        letters.tell_supplier(connection, row.supplier, key, name, data, *about, kind=WEBHOOK)
        return
    whose = row.currency, row.payer, ship_to, row.destination
    document = write_document(number, row.ordered_at, lines, *whose)
    paper = (Attachment(f"order-{number}.txt", "text/plain", document.encode()),)
    name = "part_order"
    letters.tell_supplier(connection, row.supplier, key, name, data, *about, attachments=paper)


def _ship_to(owner: Owner | None) -> dict[str, str]:
    if owner is None:
        return {}
    town = f"{owner.postcode} {owner.city}".strip()
    return {"name": owner.name, "street": owner.street, "city": town, "country": owner.country}
