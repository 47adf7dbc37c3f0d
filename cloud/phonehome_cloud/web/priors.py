"""Priors on the desk API: how often each cause is why, by the file and by what was learnt."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from aiohttp import web

from phonehome_cloud.core.diagnosing.likelihoods import (
    LIKELIHOOD_STRENGTH,
    Taught,
    Weights,
    likelihoods_of,
)
from phonehome_cloud.core.diagnosing.priors import PRIOR_STRENGTH, counts_of
from phonehome_cloud.core.tickets import ticket_id
from phonehome_cloud.errors import NotFoundError
from phonehome_cloud.store import priors as store
from phonehome_product import Fault, Product

from .operations import Operation, json_response
from .paging import page, read_cursor, read_limit, write_cursor
from .parts import DATABASE, PRODUCTS
from .queries import PAGING, check_names

_LISTING = "outcomes"


class PriorOfCause(msgspec.Struct):
    """A cause: its prior in the product file, the outcomes that were learnt, its prior now."""

    cause: str
    title: str
    file: float
    learnt: float
    now: float


class LikelihoodOfEvidence(msgspec.Struct):
    """P(evidence is there | cause): in the file, outcomes with it and without it, and now."""

    cause: str
    evidence: str
    title: str
    file: float
    there: float
    absent: float
    now: float


class PriorsOfFault(msgspec.Struct):
    """The causes of a fault and what is seen of them.

    The file counts as `strength` outcomes, and about evidence as `evidence_strength` of a cause.
    `evidence` is that about which something was learnt.
    """

    code: str
    title: str
    strength: float
    causes: list[PriorOfCause]
    evidence_strength: float
    evidence: list[LikelihoodOfEvidence]


class PriorsOfProduct(msgspec.Struct):
    """The faults of a product."""

    product: str
    version: int
    items: list[PriorsOfFault]


class ShownOutcome(msgspec.Struct):
    """How a ticket ended, what it counted for which cause, and the old and new of what moved.

    `change` has priors by cause, and likelihoods by "cause/evidence"; `seen` is the evidence that
    was counted with the causes.

    `how` is technician, owner, device, held (not back in 90 days) or dropped; came_back, refuted
    and other_cause take another outcome back, whose shares they have with a minus.
    """

    ticket: str
    key: str
    at: int
    who: str
    how: str
    shares: dict[str, float]
    seen: dict[str, bool]
    held_at: int | None
    change: dict[str, dict[str, float]]


class OutcomePage(msgspec.Struct):
    """Some outcomes, and the cursor of the next page or null."""

    items: list[ShownOutcome]
    next: str | None


async def get_priors(request: web.Request) -> web.Response:
    """The priors of a product, fault by fault."""
    check_names(request, ())
    product = _expect_product(request)
    keys = [(product.name, fault.id, fault.fmi) for fault in product.faults]
    taught = await request.config_dict[DATABASE].read(store.load_taught, keys)
    items = [
        _show_fault(fault, taught.get(key, Taught()))
        for fault, key in zip(product.faults, keys, strict=True)
    ]
    return json_response(PriorsOfProduct(product.name, product.version, items))


def _show_fault(fault: Fault, taught: Taught) -> PriorsOfFault:
    counts = counts_of(fault, taught.causes)
    total = sum(counts.values())
    causes = [
        PriorOfCause(
            cause.id,
            cause.title,
            float(cause.prior),
            round(taught.causes.get(cause.id, 0.0), 4),
            round(counts[cause.id] / total, 4),
        )
        for cause in fault.causes
    ]
    evidence = list(_show_evidence(fault, taught.evidence))
    return PriorsOfFault(
        fault.code, fault.title, PRIOR_STRENGTH, causes, LIKELIHOOD_STRENGTH, evidence
    )


def _show_evidence(fault: Fault, weights: Weights) -> Iterator[LikelihoodOfEvidence]:
    now = likelihoods_of(fault, weights)
    for place, cause in enumerate(fault.causes):
        for one in fault.evidence:
            known = weights.get(cause.id, {}).get(one.id)
            if known is not None:
                file = float(one.likelihood(cause.id))
                there, absent, p = (round(x, 4) for x in (*known, now[one.id][place]))
                yield LikelihoodOfEvidence(cause.id, one.id, one.title, file, there, absent, p)


async def list_outcomes(request: web.Request) -> web.Response:
    """What taught the priors of a fault, newest first."""
    check_names(request, PAGING)
    fault = _expect_fault(request)
    limit = read_limit(request.query)
    after = read_cursor(request.query, _LISTING, int, str, int, str)
    key = request.match_info["product"], fault.id, fault.fmi
    rows = await request.config_dict[DATABASE].read(store.list_outcomes, key, after, limit + 1)
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        words = last["at"], last["device"], last["ticket"], last["key"]
        more = write_cursor(_LISTING, *words)
    return json_response(page([_show_outcome(row) for row in rows[:limit]], more))


def _show_outcome(row: Mapping[Any, Any]) -> ShownOutcome:
    given = {name: row[name] for name in ShownOutcome.__struct_fields__ if name != "ticket"}
    return ShownOutcome(ticket=ticket_id(row["device"], row["ticket"]), **given)


def _expect_product(request: web.Request) -> Product:
    name = request.match_info["product"]
    products = request.config_dict[PRODUCTS]
    if name not in products:
        raise NotFoundError(f"no product {name}; there are {', '.join(sorted(products))}")
    found: Product = products[name]
    return found


def _expect_fault(request: web.Request) -> Fault:
    product, code = _expect_product(request), request.match_info["code"]
    fault = next((fault for fault in product.faults if fault.code == code), None)
    if fault is None:
        raise NotFoundError(f"{product.name} has no fault {code}")
    return fault


OPERATIONS = (
    Operation(
        "GET",
        "/products/{product:[a-z][a-z0-9_]*}/priors",
        get_priors,
        "How often each cause is why, by the file and by what was learnt",
        PriorsOfProduct,
    ),
    Operation(
        "GET",
        "/products/{product:[a-z][a-z0-9_]*}/faults/{code:[A-Z][A-Z0-9]*}/outcomes",
        list_outcomes,
        "What taught the priors of a fault, newest first",
        OutcomePage,
        query=PAGING,
    ),
)
