"""Diagnoses on the desk API: how each was made, and what another product file would change."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.core.comparing import Verdict, find_changes, verdict_in, verdict_of
from phonehome_cloud.core.deciding.costs import Costs, costs_of
from phonehome_cloud.core.diagnosing.bayes import say_unsure
from phonehome_cloud.core.replaying import consider, read_record
from phonehome_cloud.core.tickets import parse_ticket_id, ticket_id
from phonehome_cloud.store import diagnoses as store
from phonehome_cloud.store import listing
from phonehome_product import Product, ProductError, parse

from .bodies import read_json
from .operations import Operation, json_response
from .paging import page, read_cursor, write_cursor
from .parts import DATABASE, PRODUCTS
from .problems import ProblemError, field_error
from .queries import check_names

_MAX_REPLAY_BYTES = 600_000  # a product file of 256 KB in a JSON text
_PAGE = 200
_LISTING = "replay"


class Moved(msgspec.Struct):
    """How far a piece of evidence moved a cause: its odds were multiplied by 10 ** log10."""

    evidence: str
    title: str
    is_there: bool
    log10: float


class RankedCause(msgspec.Struct):
    """A cause with its probability, before and after the evidence."""

    cause: str
    title: str
    prior: float
    probability: float
    moved: list[Moved]


class MadeDiagnosis(msgspec.Struct):
    """The n-th diagnosis of a ticket and the decision that followed.

    `why_unsure` is empty when it is sure; `missing` is the evidence that could not be told, by
    title; `options` are the actions that were weighed, the cheapest first.
    """

    n: int
    at: int
    product: str | None
    product_version: int | None
    is_sure: bool
    why_unsure: str
    causes: list[RankedCause]
    missing: list[str]
    lane: str
    kind: str
    action_id: str | None
    needs_consent: bool
    payer: str
    options: list[Any]
    why: list[str]


class MadeDiagnoses(msgspec.Struct):
    """All diagnoses of a ticket, newest first."""

    items: list[MadeDiagnosis]


class ReplayWish(msgspec.Struct, forbid_unknown_fields=True):
    """A product file, and which diagnoses of its product to make again."""

    product_file: Annotated[
        str, msgspec.Meta(max_length=262_144, description="the text of a product file")
    ]
    name: Annotated[str, msgspec.Meta(max_length=200, description="of the file")] = "product file"
    since: Annotated[int, msgspec.Meta(ge=0, description="unix ms")] = 0
    cursor: Annotated[str | None, msgspec.Meta(description="`next` of the page before")] = None


class Seen(msgspec.Struct):
    """What a diagnosis and its decision come to."""

    causes: list[tuple[str, float]]
    is_sure: bool
    lane: str
    kind: str
    action_id: str | None


class Replayed(msgspec.Struct):
    """One diagnosis made again; `changes` names what would not be the same."""

    ticket: str
    n: int
    at: int
    code: str | None
    title: str
    before: Seen
    after: Seen
    changes: list[str]


class ReplayPage(msgspec.Struct):
    """Some diagnoses made again, and the cursor of the next page or null."""

    product: str
    items: list[Replayed]
    next: str | None


async def list_diagnoses(request: web.Request) -> web.Response:
    """How a ticket was diagnosed, newest first."""
    check_names(request, ())
    device, number = parse_ticket_id(request.match_info["ticket"])
    products = request.config_dict[PRODUCTS]
    found = await request.config_dict[DATABASE].read(read_diagnoses, products, device, number)
    return json_response(MadeDiagnoses(found))


def read_diagnoses(
    connection: Connection, products: Any, device: str, number: int
) -> list[MadeDiagnosis]:
    """All diagnoses of a ticket, newest first; NotFoundError when there is no such ticket."""
    row = listing.expect_ticket(connection, device, number)
    product = products.get(row["product"] or "")
    fault = product.find_fault(row["spn"], row["fmi"]) if product else None
    titles = {evidence.id: evidence.title for evidence in fault.evidence} if fault else {}
    return [show(made, titles) for made in store.list_of_ticket(connection, device, number)]


def show(row: RowMapping, titles: dict[str, str]) -> MadeDiagnosis:
    """A row of the table; evidence that the product file has dropped is named by its id."""
    plain = {
        name: row[name]
        for name in MadeDiagnosis.__struct_fields__
        if name not in ("causes", "missing", "why_unsure")
    }
    causes = [
        RankedCause(
            cause["cause"],
            cause["title"],
            cause["prior"],
            cause["probability"],
            [
                Moved(name, titles.get(name, name), bool(row["seen"].get(name)), log10)
                for name, log10 in cause["moved"]
            ],
        )
        for cause in row["causes"]
    ]
    missing = [titles.get(name, name) for name in row["missing"]]
    return MadeDiagnosis(**plain, causes=causes, missing=missing, why_unsure=_why_unsure(row))


def _why_unsure(row: RowMapping) -> str:
    """The reason, from what is stored: when it is not in the numbers, it was the surprise."""
    if row["is_sure"]:
        return ""
    probabilities = [cause["probability"] for cause in row["causes"]]
    if not probabilities:
        return "no product file describes this fault"
    return say_unsure(probabilities, is_surprising=True)


async def replay(request: web.Request) -> web.Response:
    """Make past diagnoses of a product again, as another file would have them; nothing changes."""
    check_names(request, ())
    wish = await read_json(request, ReplayWish, _MAX_REPLAY_BYTES)
    product = _parse(wish)
    costs = costs_of(product.service.costs if product.service else None)
    after = read_cursor({"cursor": wish.cursor} if wish.cursor else {}, _LISTING, str, int, int)
    database = request.config_dict[DATABASE]
    rows = await database.read(store.list_recorded, product.name, wish.since, after, _PAGE + 1)
    more = None
    if len(rows) > _PAGE:
        last = rows[_PAGE - 1]
        more = write_cursor(_LISTING, last["device"], last["ticket"], last["n"])
    # A page takes a tenth of a second of the processor: not on the loop that devices wait for.
    items = await asyncio.to_thread(_replay_all, rows[:_PAGE], product, costs)
    return json_response({"product": product.name, **page(items, more)})


def _parse(wish: ReplayWish) -> Product:
    try:
        return parse(wish.product_file, wish.name)
    except ProductError as error:
        errors = [field_error("product_file", p.value, str(p)) for p in error.problems[:20]]
        raise ProblemError("invalid-body", "the product file is wrong", *errors) from error


def _replay_all(rows: Sequence[RowMapping], product: Product, costs: Costs) -> list[Replayed]:
    return [_replay(row, product, costs) for row in rows]


def _replay(row: RowMapping, product: Product, costs: Costs) -> Replayed:
    before = verdict_in(row)
    after = verdict_of(*consider(product, read_record(row["facts"]), costs))
    return Replayed(
        ticket_id(row["device"], row["ticket"]),
        row["n"],
        row["at"],
        row["code"],
        row["title"],
        _show_verdict(before),
        _show_verdict(after),
        find_changes(before, after),
    )


def _show_verdict(verdict: Verdict) -> Seen:
    causes = [(cause, round(probability, 4)) for cause, probability in verdict.causes]
    return Seen(causes, verdict.is_sure, verdict.lane, verdict.kind, verdict.action_id)


OPERATIONS = (
    Operation(
        "GET",
        "/tickets/{ticket}/diagnoses",
        list_diagnoses,
        "How a ticket was diagnosed, newest first",
        MadeDiagnoses,
    ),
    Operation(
        "POST",
        "/diagnoses/replay",
        replay,
        "What another product file would have made of past tickets",
        ReplayPage,
        body=ReplayWish,
    ),
)
