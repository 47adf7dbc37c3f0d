"""What a board may lack before its first contact: a key, and the time that TLS is checked against.

Joined and loaded only then, and dropped again. What is needed before and after a handshake is
not on the heap during it, for that wants 21 KB of its own.
"""

import sys

from phonehome_wire.errors import WireError

from .core.errors import LinkError
from .core.ondemand import forget
from .ports.asking import Asking
from .ports.stream import Stream

_AGENT = __name__.rpartition(".")[0]


async def enroll(config, network, link, identity, board, birth, tell) -> None:
    """Get a key with the claim and sign with it: the first ack will make it the active one.

    LinkError when the receiver cannot be reached, refuses, or waits for somebody to approve.
    """
    try:
        claim = _read_claim(config)
        nonce, request = _make_request(config, claim, identity.device, board, birth)
        _forget_messages()
        answer = await _ask_for_key(config, network, link, request)
        _take_reply(config, claim, identity, nonce, answer, tell)
    except (OSError, WireError) as error:
        raise LinkError("protocol", "enrollment: %s" % error)
    finally:
        _forget_messages()


async def find_time(config, network, identity, clock, board, uptime) -> tuple:
    """Set the clock by whoever knows the time: (whether it moved, whether nobody signed that)."""
    is_moved = await fetch_time(config, network, identity, clock, board, uptime)
    if is_moved or not config.ntp:
        return is_moved, False
    is_guess = await guess_time(config, network, clock, board)
    return is_guess, is_guess


async def fetch_time(config, network, identity, clock, board, uptime) -> bool:
    """Set the clock by the receiver's signed word, asked for without TLS; False: not moved."""
    from phonehome_wire.heard import open_downlink

    from .core.timeasking import NONCE_BYTES, make_query, read_time

    has_key = bool(identity.kid)
    kid, down_key = identity.kid, identity.down_key
    if not has_key:
        kid, _, down_key, _ = _read_claim(config)
    nonce = board.random_bytes(NONCE_BYTES)
    asked_ms = uptime.now_ms()
    try:
        answer = await _ask_for_time(config, network, make_query(kid, nonce))
        said = open_downlink(answer, down_key, kid)
        now_ms = uptime.now_ms()
        server_ms = read_time(said, nonce, now_ms - asked_ms)
    except (LinkError, WireError):
        return False
    finally:
        forget(_AGENT + ".core.timeasking")
    if has_key:  # what a batch shares must not outlive this boot
        clock.hear_time(server_ms, now_ms)
    board.set_clock(server_ms, is_sure=True)
    return True


async def guess_time(config, network, clock, board) -> bool:
    """Set the clock by what nobody signed, but behind nothing that is known; False: not moved.

    What the reports say of the time stays as it is: only the receiver's word counts there.
    """
    from .core.dates import firmware_ms, not_before_ms
    from .ports.ntp import NONCE_BYTES, ask

    ca = _read(config.ca) if config.ca else b""
    known_ms = max(clock.floor_ms, firmware_ms(sys.version), not_before_ms(ca))
    try:
        said_ms = await ask(*config.ntp, network[1], board.random_bytes(NONCE_BYTES))
    except LinkError:
        return False
    finally:
        forget(_AGENT + ".core.dates", _AGENT + ".ports.ntp")
    board.set_clock(max(said_ms, known_ms), is_sure=True)
    return True


def forget_contacting(is_mqtt: bool) -> None:
    """Drop this module and what only it needs."""
    forget(__name__, _AGENT + ".ports.asking")
    if is_mqtt:
        forget(_AGENT + ".ports.http")


def _read_claim(config) -> tuple:
    from .core.claiming import read_claim

    claim = read_claim(_read(config.claim))
    forget(_AGENT + ".core.claiming", "phonehome_wire.keys")
    return claim


def _make_request(config, claim: tuple, device: bytes, board, birth) -> tuple:
    """(nonce, signed request); the nonce is on flash before anybody hears of it."""
    from .core.enrolling import make_request
    from .ports.keyfiles import open_keys

    nonce = open_keys(config.key).nonce(board.random_bytes)
    return nonce, make_request(claim, device, nonce, birth, config.code)


def _take_reply(config, claim: tuple, identity, nonce: bytes, answer: bytes, tell) -> None:
    """The key in an answer: written, read back, and used."""
    from .core.enrolling import read_reply
    from .core.keychange import KeyChange
    from .ports.keyfiles import open_keys

    files = open_keys(config.key)
    key_file = read_reply(claim, identity.device, nonce, answer)
    files.put_next(key_file)
    KeyChange(identity, files, b"", tell)
    tell("key", state="written", epoch=key_file[0])


def _forget_messages() -> None:
    forget(
        _AGENT + ".core.enrolling",
        _AGENT + ".core.keychange",
        _AGENT + ".ports.keyfiles",
        "phonehome_wire.enrollment",
        "phonehome_wire.rekeying",
        "phonehome_wire.wrapping",
        "phonehome_wire.ccm",
        "phonehome_wire.keys",
    )


async def _ask_for_key(config, network, link, request: bytes) -> bytes:
    """POST /v1/enroll where the settings say; with the link's TLS context, if it has one."""
    is_secure, host, port, path = config.enroll
    context = None
    if is_secure:
        context = getattr(link, "context", None) or _make_context(config)
    stream = Stream(host, port, context, *network)
    return await Asking(stream, b"POST %s/v1/enroll" % path.encode()).ask(request)


async def _ask_for_time(config, network, query: bytes) -> bytes:
    """GET /v1/time where the settings say."""
    _, host, port, path = config.time
    line = b"GET %s/v1/time%s" % (path.encode(), query)
    return await Asking(Stream(host, port, None, *network), line).ask()


def _make_context(config):
    from .ports.tls import make_context

    context = make_context(_read(config.ca) if config.ca else None)
    forget(_AGENT + ".ports.tls")
    return context


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
