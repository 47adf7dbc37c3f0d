"""What is done about a ticket, on the desk API: see it, choose, say how it ended."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from sqlalchemy import Connection, RowMapping

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.deciding.situation import KINDS, PERSON
from phonehome_cloud.core.tickets import parse_ticket_id
from phonehome_cloud.store import care, listing
from phonehome_product import Product

from .bodies import read_json
from .operations import Operation, json_response
from .parts import ACTOR, DATABASE, LOOK_AFTER, PRODUCTS
from .problems import ProblemError, field_error
from .queries import check_names, read_action

Reason = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=4000, description="why; it stands in the history"),
]


class TakenAction(msgspec.Struct):
    """The n-th action on a ticket.

    `state` is waiting_consent, agreed, running, helped, failed or cancelled; `costs` are the lines
    that it was expected to cost, in the currency of the product; `due_at` is when it has failed by
    itself or is asked again.
    """

    n: int
    kind: str
    action_id: str | None
    state: str
    who: str
    payer: str
    started_at: int
    due_at: int | None
    ended_at: int | None
    costs: dict[str, float]
    detail: Any


class PossibleAction(msgspec.Struct):
    """An action that a person may choose; one for a person needs no `action_id`."""

    kind: str
    action_id: str | None


class Care(msgspec.Struct):
    """How far the care of a ticket is.

    `due_at` is when it is considered again; `failure` why it could not be, until somebody changes
    something; `incident` the id of the incident that it belongs to.
    """

    incident: str | None
    due_at: int | None
    failure: str | None
    actions: list[TakenAction]
    possible: list[PossibleAction]


class ChosenAction(msgspec.Struct, forbid_unknown_fields=True):
    """An action that a person chooses instead of the system.

    `instead_of` is the number of the action that is under way: it is cancelled.
    """

    kind: Annotated[str, msgspec.Meta(description=f"one of {', '.join(KINDS)}, but not wait")]
    reason: Reason
    action_id: Annotated[str | None, msgspec.Meta(description="its id in the product file")] = None
    instead_of: int | None = None


class ActionOutcome(msgspec.Struct, forbid_unknown_fields=True):
    """What a person says about an action."""

    outcome: Annotated[
        Literal["agreed", "declined", "helped", "failed", "cancelled"],
        msgspec.Meta(
            description="agreed or declined in the owner's name; helped, failed or cancelled"
        ),
    ]
    reason: Reason


def read_care(
    connection: Connection, products: Mapping[str, Product], device: str, number: int
) -> Care:
    """The care of one ticket; NotFoundError when there is none."""
    ticket = listing.expect_ticket(connection, device, number)
    row = care.find(connection, device, number)
    actions = care.list_actions(connection, device, number)
    return Care(
        incident=row["incident"] if row else None,
        due_at=row["due_at"] if row else None,
        failure=row["failure"] if row else None,
        actions=[_show(each) for each in actions],
        possible=_possible(products, ticket),
    )


def _show(row: RowMapping) -> TakenAction:
    return TakenAction(**{name: row[name] for name in TakenAction.__struct_fields__})


def _possible(products: Mapping[str, Product], ticket: RowMapping) -> list[PossibleAction]:
    product = products.get(ticket["product"] or "")
    fault = product.find_fault(ticket["spn"], ticket["fmi"]) if product else None
    named = [PossibleAction(a.kind, a.id) for a in fault.actions] if fault else []
    return [*named, PossibleAction(PERSON, None)]


async def get_care(request: web.Request) -> web.Response:
    """Actions on a ticket, what could be chosen, and when it is considered again."""
    check_names(request, ())
    return json_response(await _care(request))


async def choose_action(request: web.Request) -> web.Response:
    """Begin another action than the system chose; 409 while one is under way."""
    check_names(request, ())
    wanted = await read_json(request, ChosenAction)
    device, number = parse_ticket_id(request.match_info["ticket"])
    database, products = request.config_dict[DATABASE], request.config_dict[PRODUCTS]
    await database.write(choose, products, device, number, wanted, request[ACTOR], now_ms())
    request.config_dict[LOOK_AFTER]()
    return json_response(await _care(request), status=201)


def choose(
    connection: Connection,
    products: Mapping[str, Product],
    device: str,
    number: int,
    wanted: ChosenAction,
    who: str,
    now_at: int,
    *,
    replace: bool = False,
) -> None:
    """Begin an action of a person's choice; with `replace` instead of whatever is under way."""
    ticket = listing.expect_ticket(connection, device, number)
    possible = _possible(products, ticket)
    if PossibleAction(wanted.kind, wanted.action_id) not in possible:
        may = ", ".join(f"{one.kind} {one.action_id or ''}".strip() for one in possible)
        fault = field_error("action_id", wanted.action_id, f"choose one of: {may}")
        raise ProblemError("invalid-body", "no such action for this fault", fault)
    instead = wanted.instead_of
    if replace and instead is None:
        row = care.find(connection, device, number)
        instead = row["running"] if row is not None else None
    if instead is not None:
        key = ActionKey(device, number, instead)
        care.cancel(connection, key, who, now_at, wanted.reason)
    what = wanted.kind, wanted.action_id
    care.start(connection, device, number, *what, who, now_at, wanted.reason)


async def end_action(request: web.Request) -> web.Response:
    """Say how an action ended, or what the owner said about it."""
    check_names(request, ())
    said = await read_json(request, ActionOutcome)
    key = read_action(request)
    database = request.config_dict[DATABASE]
    await database.write(end, key, said, request[ACTOR], now_ms())
    request.config_dict[LOOK_AFTER]()
    return json_response(await _care(request))


def end(
    connection: Connection, key: ActionKey, said: ActionOutcome, who: str, now_at: int
) -> None:
    """Take down what a person says about an action."""
    if said.outcome == "agreed":
        care.agree(connection, key, who, now_at, said.reason)
    elif said.outcome == "declined":
        care.decline(connection, key, who, now_at, said.reason)
    elif said.outcome == "cancelled":
        care.cancel(connection, key, who, now_at, said.reason)
    else:
        care.conclude(connection, key, said.outcome, who, now_at, text=said.reason)


async def _care(request: web.Request) -> Care:
    device, number = parse_ticket_id(request.match_info["ticket"])
    database, products = request.config_dict[DATABASE], request.config_dict[PRODUCTS]
    return await database.read(read_care, products, device, number)


_PATH = "/tickets/{ticket}"
OPERATIONS = (
    Operation("GET", _PATH + "/care", get_care, "What is done about a ticket", Care),
    Operation(
        "POST",
        _PATH + "/actions",
        choose_action,
        "Choose an action for a ticket",
        Care,
        body=ChosenAction,
        status=201,
        problems=("illegal-transition",),
    ),
    Operation(
        "POST",
        _PATH + r"/actions/{n:\d{1,6}}",
        end_action,
        "Say how an action ended",
        Care,
        body=ActionOutcome,
        problems=("illegal-transition",),
    ),
)
