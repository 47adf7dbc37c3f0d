"""A ticket that was considered, as the loop that looks after tickets writes it."""

import dataclasses

from sqlalchemy import insert

from phonehome_cloud.core.deciding.costs import costs_of
from phonehome_cloud.core.replaying import consider, write_record
from phonehome_cloud.store.care_tables import diagnosis as table


def write_diagnosis(connection, product, record, n=0):
    """Consider a record under a product, and store what came of it; returns the verdict."""
    found, decision = consider(product, record, costs_of())
    chosen = decision.chosen
    row = {
        "device": record.facts.device,
        "ticket": record.facts.ticket,
        "n": n,
        "at": record.facts.now_at,
        "product": product.name,
        "product_version": product.version,
        "is_sure": found.is_sure,
        "causes": [dataclasses.asdict(ranked) for ranked in found.causes],
        "seen": dict(found.seen),
        "missing": list(found.missing),
        "facts": write_record(record),
        "lane": decision.lane,
        "kind": chosen.kind,
        "action_id": chosen.action_id,
        "needs_consent": decision.needs_consent,
        "payer": decision.payer,
        "options": [dataclasses.asdict(option) for option in decision.options],
        "why": list(decision.why),
    }
    connection.execute(insert(table), row)
    return found, decision
