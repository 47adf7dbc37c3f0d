"""Devices that started, counted: one that starts over and over counts once an hour."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from phonehome_cloud.core.catalogue import Catalogue
from phonehome_cloud.core.deciding.incidents import (
    BATCH,
    BOOTS,
    BUILD,
    HOUR_MS,
    MANIFEST,
    PRODUCT,
    Key,
)
from phonehome_cloud.core.transitions import RecordHead

from . import tallies
from .dialects import fetch_among
from .enrollments import load_claims
from .incidents import keys_of
from .schema import session
from .sessions import load_products


def count_boots(
    connection: Connection, heads: Sequence[RecordHead], catalogue: Catalogue, now_at: int
) -> None:
    """Count the boots that said hello just now; what is told late says nothing about now."""
    hour_at = now_at - now_at % HOUR_MS
    fresh = {
        (head.device, head.inc, head.boot)
        for head in heads
        if not head.late and head.received_at >= hour_at
    }
    if not fresh:
        return
    before = {(dev, inc, boot - 1) for dev, inc, boot in fresh}
    columns = session.c.device, session.c.inc, session.c.boot
    wanted = session.c.first_seen_at, session.c.build, session.c.manifest
    rows = fetch_among(connection, columns, fresh | before, *columns, *wanted)
    known = {(row.device, row.inc, row.boot): row for row in rows}
    devices = {dev for dev, _, _ in fresh}
    products, claims = load_products(connection, devices), load_claims(connection, devices)
    counts: Counter[Key] = Counter()
    for dev, inc, boot in fresh:
        last, row = known.get((dev, inc, boot - 1)), known.get((dev, inc, boot))
        product, _ = products.get(dev, (None, None))
        product = product or catalogue.product_of(row.manifest if row else None)
        is_again = last is not None and last.first_seen_at >= hour_at
        if row is None or product is None or is_again:
            continue
        found = {BATCH: claims.get(dev), BUILD: row.build, MANIFEST: row.manifest}
        traits = {name: value for name, value in (found | {PRODUCT: product}).items() if value}
        counts.update(keys_of((product, *BOOTS), traits))
    tallies.add(connection, counts, now_at)
