"""Where a board without a key gets one: `POST /v1/enroll` (WIRE.md 5 B)."""

import logging
from typing import Final

from aiohttp import hdrs, web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core import enrolling as core
from phonehome_cloud.core.intake import BAD_MAC_COST, TOO_FAST, UNKNOWN_KID, Reply
from phonehome_cloud.errors import StoreUnavailableError
from phonehome_cloud.store import claims, enrollments
from phonehome_wire.enrollment import CLAIM_EPOCH, decode_enroll_request
from phonehome_wire.envelope import peek, unseal
from phonehome_wire.errors import RefusedError
from phonehome_wire.limits import MAX_DOWNLINK_BYTES

from .device import read_message, respond
from .forwarding import peer_of
from .health import METRICS
from .parts import ADDRESS_LIMIT, CLAIM_LIMIT, DATABASE, ENROLL_PLAIN, KEYS, PROXIES, VAULT

_LOG = logging.getLogger(__name__)
TRANSPORT: Final = "enroll"
PLAIN: Final = "plain"
PENDING_RETRY_S: Final = 60  # how soon a board that waits for somebody may ask again

# What a refusal is as HTTP; a board that is only waiting is told when to come back.
_STATUS = {core.KNOWN: 409}
_RETRY_S = {core.PENDING: PENDING_RETRY_S, core.KNOWN: PENDING_RETRY_S, core.CROWDED: 3600}

routes = web.RouteTableDef()


@routes.post("/v1/enroll")
async def enroll(request: web.Request) -> web.StreamResponse:
    """One signed question for a key; 200 with the signed answer that carries it.

    401 unknown claim or wrong MAC, 403 not now or not this one (plain, pending, denied, revoked,
    expired, used-up, code, crowded), 408, 409 the device had a key already and somebody must
    approve, 413, 415, 422 authentic but unreadable, 429 and 503 with Retry-After.
    """
    message = await read_message(request)
    if isinstance(message, web.Response):
        return message
    try:
        reply = await _answer(request, message)
    except StoreUnavailableError as error:
        reply = Reply(503, b"", "unavailable", error.retry_after_s)
    request.app[METRICS].count_message(TRANSPORT, reply.reason)
    return respond(reply)


def is_protected(request: web.Request) -> bool:
    """Whether nobody on the way can read this: TLS here, or before a proxy that is trusted."""
    if request.secure or request.app[ENROLL_PLAIN]:
        return True
    is_told = request.headers.get(hdrs.X_FORWARDED_PROTO, "").lower() == "https"
    return is_told and peer_of(request) in request.app[PROXIES]


async def _answer(request: web.Request, message: bytes) -> Reply:
    """Buckets, key id, MAC, strict decoding and the decision, in that order."""
    if not is_protected(request):
        return Reply(403, b"", PLAIN)
    address = request.remote or ""
    by_address, by_claim = request.app[ADDRESS_LIMIT], request.app[CLAIM_LIMIT]
    try:
        kid = peek(message)[1]
        wait_s = by_address.take(address) or by_claim.take(kid.hex())
        if wait_s:
            return Reply(429, b"", TOO_FAST, max(1, int(wait_s + 0.999)))
        claim = await _find_claim(request, kid)
        if claim is None:
            return Reply(401, b"", UNKNOWN_KID)
        payload = unseal(message, claim.up, MAX_DOWNLINK_BYTES, claim.kid)
    except RefusedError as error:
        by_address.charge(address, BAD_MAC_COST)
        return Reply(401, b"", error.reason)
    try:
        asked = decode_enroll_request(payload)
    except RefusedError as error:
        return Reply(422, b"", error.reason)
    decision = await request.app[DATABASE].write(
        enrollments.decide, request.app[VAULT], claim.claim, asked, now_ms()
    )
    device = asked.device.hex()
    _LOG.info("device %s under claim %s: %s", device, claim.claim, decision.reason)
    if decision.reason == core.WRONG_CODE:
        by_claim.charge(kid.hex(), BAD_MAC_COST)
    if not decision.key:
        status = _STATUS.get(decision.reason, 403)
        return Reply(status, b"", decision.reason, _RETRY_S.get(decision.reason))
    request.app[KEYS].forget(device)  # it may have knocked before it had this key
    body = core.sign_reply(claim, asked, decision.epoch, decision.key, now_ms())
    return Reply(200, body, decision.reason)


async def _find_claim(request: web.Request, kid: bytes) -> core.ClaimKey | None:
    if kid[-1] != CLAIM_EPOCH:
        return None
    database, vault = request.app[DATABASE], request.app[VAULT]
    return await database.read(claims.find_key, vault, kid[:-1].hex())
