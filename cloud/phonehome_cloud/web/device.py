"""What devices talk to: `POST /v1/up` and `GET /v1/time`."""

import re
from collections.abc import Mapping

from aiohttp import hdrs, web

from phonehome_cloud.clock import now_ms
from phonehome_cloud.core.arrivals import DeviceKey
from phonehome_cloud.core.enrolling import ClaimKey
from phonehome_cloud.core.intake import Reply
from phonehome_cloud.store import claims
from phonehome_cloud.store.devices import maybe_kid
from phonehome_wire.downlink import TimeReply, put_time_reply
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_256, PAYLOAD_OFFSET, seal
from phonehome_wire.limits import MAX_MESSAGE_BYTES

from .bodies import TooLargeError, TooSlowError, read_body
from .parts import ADDRESS_LIMIT, DATABASE, INTAKE, KEYS, VAULT

CONTENT_TYPE = 'application/cose; cose-type="cose-mac0"'
BODY_TIMEOUT_S = 10.0  # 4 KB in 10 s is slower than GSM
_TIME_REPLY_ROOM_BYTES = 256  # a time reply has 79
_EPOCH = re.compile(r"[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{16}", re.ASCII)

routes = web.RouteTableDef()


class DeviceResponse(web.Response):
    """An answer to a board, where every byte costs: without Server and Date."""


async def dress(_request: web.Request, response: web.StreamResponse) -> None:
    """Headers for boards without what is for browsers, for browsers with it.

    A signal of `on_response_prepare`.
    """
    del response.headers[hdrs.SERVER]
    if isinstance(response, DeviceResponse):
        del response.headers[hdrs.DATE]
    else:
        response.headers["X-Content-Type-Options"] = "nosniff"


@routes.post("/v1/up")
async def up(request: web.Request) -> web.StreamResponse:
    """One signed report; 200 with the signed ack when its records are committed.

    401 unknown key or wrong MAC, 403, 408 too slow, 413 over 4096 bytes, 415 not COSE, 422
    authentic but unreadable, 429 and 503 with Retry-After.
    """
    message = await read_message(request)
    if isinstance(message, web.Response):
        return message
    return respond(await request.app[INTAKE].accept(message, "http", None, request.remote or ""))


async def read_message(request: web.Request) -> bytes | web.Response:
    """The COSE message in a body, or the refusal of a body that is none."""
    if not _is_cose(request):
        return DeviceResponse(status=415, text=f"send {CONTENT_TYPE}\n")
    try:
        return await read_body(request, MAX_MESSAGE_BYTES, BODY_TIMEOUT_S)
    except TooLargeError:
        return _end(DeviceResponse(status=413, text=f"at most {MAX_MESSAGE_BYTES} bytes\n"))
    except TooSlowError:
        return _end(DeviceResponse(status=408, text=f"{BODY_TIMEOUT_S:g} s for a body\n"))


def respond(reply: Reply) -> web.Response:
    """The answer of intake as HTTP: signed, or one word that says why it is not."""
    headers = _retry_after(reply.retry_after_s)
    if reply.body:
        headers[hdrs.CONTENT_TYPE] = CONTENT_TYPE
        return DeviceResponse(status=reply.status, body=reply.body, headers=headers)
    return DeviceResponse(status=reply.status, text=f"{reply.reason}\n", headers=headers)


@routes.get("/v1/time")
async def time(request: web.Request) -> web.StreamResponse:
    """The time, signed for one device: `?d=<device>&n=<nonce>`, 16 lower-case hex digits each.

    `&k=<epoch>` names the key to sign with; epoch 0 asks for that of the claim `d`. The
    request proves nothing and needs not: only the device can use the answer.
    """
    wait_s = request.app[ADDRESS_LIMIT].take(request.remote or "")
    if wait_s:
        return DeviceResponse(status=429, text="rate\n", headers=_retry_after(int(wait_s) + 1))
    device, nonce = request.query.get("d", ""), request.query.get("n", "")
    if not _NONCE.fullmatch(device) or not _NONCE.fullmatch(nonce):
        return DeviceResponse(status=400, text="want d and n, 16 lower-case hex digits each\n")
    key = await _find_signer(request, device, request.query.get("k", ""))
    if key is None:
        return DeviceResponse(status=404, text="this device is not known\n")
    body = sign_time_reply(key, bytes.fromhex(nonce), now_ms())
    return DeviceResponse(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})


async def _find_signer(
    request: web.Request, device: str, epoch: str
) -> DeviceKey | ClaimKey | None:
    """The key that the one who asks can verify with, None when there is none."""
    database = request.app[DATABASE]
    if epoch == "0":
        return await database.read(claims.find_key, request.app[VAULT], device)
    kid = None
    if _EPOCH.fullmatch(epoch):
        kid = bytes.fromhex(device) + bytes((int(epoch),))
    elif not epoch:
        kid = await database.read(maybe_kid, device)
    return await request.app[KEYS].find(kid) if kid else None


def sign_time_reply(key: DeviceKey | ClaimKey, nonce: bytes, server_ms: int) -> bytes:
    """The signed time reply for the 8-byte nonce of a device (WIRE.md 4.5)."""
    buffer = bytearray(_TIME_REPLY_ROOM_BYTES)
    encoder = Encoder(buffer, PAYLOAD_OFFSET)
    put_time_reply(encoder, TimeReply(server_ms, nonce))
    start, end = seal(buffer, encoder.pos, key.down, key.kid, ALG_HMAC_256)
    return bytes(buffer[start:end])


def _is_cose(request: web.Request) -> bool:
    """Whether the body says to be a COSE message, as it is: compressed ones are refused."""
    headers: Mapping[str, str] = request.headers
    if hdrs.CONTENT_ENCODING in headers:
        return False
    given = headers.get(hdrs.CONTENT_TYPE, "")
    if given == CONTENT_TYPE:
        return True
    main, _, parameter = given.partition(";")
    value = parameter.replace('"', "").replace(" ", "").lower()
    return main.strip().lower() == "application/cose" and value in {"", "cose-type=cose-mac0"}


def _end(response: web.Response) -> web.Response:
    """Close the connection behind a body that was not read to its end."""
    response.force_close()
    return response


def _retry_after(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {hdrs.RETRY_AFTER: str(seconds)}
