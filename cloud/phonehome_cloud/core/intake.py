"""One function takes a message from any transport, and follows WIRE.md 4.3 step by step.

    1 size, address, template, kid -> key     413, 429, 401
    2 MAC                                     401
    3 device of the path is the kid's         403
    4 strict decode, bucket of the key        422, 429; a bad record alone: its code in the ack
    5 commit                                  503 and come back
    6 signed ack, or the command asked for    200

Nothing unauthentic is stored or answered with a signature; everything is counted.
"""

import logging
from collections.abc import Callable, Container, Hashable
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

from phonehome_cloud.errors import OverloadedError, StoreUnavailableError
from phonehome_wire.decoder import decode
from phonehome_wire.envelope import peek
from phonehome_wire.errors import RefusedError
from phonehome_wire.limits import MAX_BACKOFF_S, MAX_MESSAGE_BYTES
from phonehome_wire.registry import (
    HELLO_CATALOG,
    KEY_UP_BOOT,
    KEY_UP_INC,
    KEY_UP_NOW_MS,
    POLL_COMMANDS,
    POLL_HELLO,
    RTYPE_HELLO,
    RTYPE_RESULT,
    STATE_OFFLINE,
)
from phonehome_wire.uplink import INC_BYTES, Uplink, decode_uplink
from phonehome_wire.usual import read_usual

from .acks import Answer, sign_ack
from .arrivals import HASH_BYTES, Arrival, DeviceKey, Intrusion, Misfit, Outcome
from .freshness import Freshness
from .partners import Bucket, Counters, Keys, Ledger, Mailbox

_LOG = logging.getLogger(__name__)

# A MAC that does not hold, and a key that nobody has, cost their address this many messages:
# guessing dries up quickly. The bucket of a device's key is only for what its key has signed, and
# newer than all before it, so that neither strangers who know its name nor those who have copies
# of its messages can use it up.
BAD_MAC_COST: Final = 20.0

PUSHING: Final = frozenset(("mqtt",))  # transports that reach a device at any time

ACCEPTED: Final = "accepted"
DUPLICATE: Final = "duplicate"
OVERLOADED: Final = "overloaded"
UNAVAILABLE: Final = "unavailable"
TOO_LARGE: Final = "size"
TOO_FAST: Final = "rate"
COPIED: Final = "copies"
UNKNOWN_KID: Final = "kid"
WRONG_PATH: Final = "path"
UNKNOWN_MAJOR: Final = "major"
FAILED: Final = "failed"


class Reply(NamedTuple):
    """What the transport answers: an HTTP status, the signed answer if there is one, and why.

    `reason` is a stable token for counting; `retry_after_s` goes with 429 and 503; `command` is a
    signed message that goes out behind the answer where the transport can send one.
    """

    status: int
    body: bytes = b""
    reason: str = ""
    retry_after_s: int | None = None
    command: bytes = b""


class _Stop(Exception):  # noqa: N818 - not an error: the end of the way for one message
    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.reason)
        self.reply = reply


class Intake:
    """WIRE.md 4.3 for every transport.

    `clock` gives unix ms; `by_address` and `by_key` are token buckets; `manifests` are the
    catalogs known from product files, for which no device is asked.
    """

    def __init__(
        self,
        keys: Keys,
        ledger: Ledger,
        by_address: Bucket,
        by_key: Bucket,
        clock: Callable[[], int],
        counters: Counters,
        mailbox: Mailbox,
        manifests: Container[str] = frozenset(),
    ) -> None:
        self._keys = keys
        self._ledger = ledger
        self._by_address = by_address
        self._by_key = by_key
        self._clock = clock
        self._counters = counters
        self._mailbox = mailbox
        self._manifests = manifests
        self._freshness = Freshness()

    async def accept(
        self, message: bytes, transport: str, path_dev: str | None = None, address: str = ""
    ) -> Reply:
        """Judge, store and answer one message; when the status is 200 its records are on the disk.

        `path_dev` is the device that the topic or path names, None when it names none; `address`
        is who sent it, empty when the transport does not know (then no bucket counts it).
        """
        received_at = self._clock()
        try:
            reply = await self._follow(message, transport, path_dev, address, received_at)
        except _Stop as stop:
            reply = stop.reply
        except StoreUnavailableError as error:
            reply = Reply(503, b"", UNAVAILABLE, error.retry_after_s)
        except OverloadedError as error:
            reply = Reply(503, b"", OVERLOADED, error.retry_after_s)
        self._counters.count_message(transport, reply.reason)
        return reply

    def accept_at_once(
        self,
        message: bytes,
        transport: str,
        path_dev: str | None,
        address: str,
        answer: Callable[[Reply], None],
    ) -> bool:
        """As `accept`, for a message with nothing to wait for but its commit: `answer` gets the
        reply. False when there is more, and `accept` has to be asked instead.

        A task for each message is 6 us dearer than a callback, of 60 that all of it takes.
        """
        received_at = self._clock()
        try:
            arrival = self._read_at_once(message, transport, path_dev, address, received_at)
        except _Stop as stop:
            reply = stop.reply
        else:
            if arrival is None:
                return False
            done = partial(self._conclude, arrival, answer)
            try:
                self._ledger.submit(arrival, done)
            except OverloadedError as error:
                done(error)
            return True
        self._counters.count_message(transport, reply.reason)
        answer(reply)
        return True

    def _read_at_once(
        self, message: bytes, transport: str, path_dev: str | None, address: str, received_at: int
    ) -> Arrival | None:
        """Steps 1 to 4 when the key is at hand and nothing is wrong beyond a refusal; None, and no
        token of the key, when `accept` has to be asked.
        """
        if len(message) > MAX_MESSAGE_BYTES:
            return None
        try:
            key = self._keys.recall(peek(message)[1])
        except RefusedError:
            return None
        if key is None or path_dev not in (None, key.device):
            return None
        if self._mailbox.waits_for(key.device):
            return None
        self._take_for(address)
        payload = self._open(message, key, address)
        try:
            uplink = _read_uplink(payload)
        except RefusedError:
            return None
        for record in uplink.records:
            if record.rtype == RTYPE_RESULT:
                return None  # somebody may have waited for it
        self._take_of(key, uplink)
        return _arrival(key, message, transport, received_at, uplink)

    def _conclude(
        self, arrival: Arrival, answer: Callable[[Reply], None], outcome: Outcome | Exception
    ) -> None:
        """Step 6 for a message that was accepted at once."""
        if isinstance(outcome, (OverloadedError, StoreUnavailableError)):
            reply = self._hold_off(arrival, outcome)
        elif isinstance(outcome, Exception):
            reply = Reply(500, b"", FAILED)
        else:
            reply = self._acknowledge(arrival, outcome)
        self._counters.count_message(arrival.transport, reply.reason)
        answer(reply)

    async def _follow(
        self,
        message: bytes,
        transport: str,
        path_dev: str | None,
        address: str,
        received_at: int,
    ) -> Reply:
        key = await self._find_key(message, address)
        payload = self._open(message, key, address)
        if path_dev is not None and path_dev != key.device:
            self._take_of(key, None)
            told = {"device": key.device, "reason": WRONG_PATH}
            _LOG.warning("a message came under the name of %s", path_dev, extra=told)
            await self._ledger.note_intrusion(
                Intrusion(key.device, path_dev, transport, received_at)
            )
            return Reply(403, b"", WRONG_PATH)
        try:
            uplink = _read_uplink(payload)
        except RefusedError as error:
            self._take_of(key, None)
            if error.reason == UNKNOWN_MAJOR:
                return self._refuse_major(key, payload)
            misfit = _misfit(key, message, transport, received_at, error)
            told = {"device": key.device, "reason": error.reason, "report": misfit.hash.hex()}
            _LOG.warning("an authentic message cannot be read: %s", error.detail, extra=told)
            await self._ledger.quarantine(misfit)
            return Reply(422, b"", error.reason)
        self._take_of(key, uplink)
        return await self._store(_arrival(key, message, transport, received_at, uplink))

    async def _find_key(self, message: bytes, address: str) -> DeviceKey:
        """Step 1: nothing but the size and the first 18 bytes is looked at."""
        if len(message) > MAX_MESSAGE_BYTES:
            raise _Stop(Reply(413, b"", TOO_LARGE))
        self._take_for(address)
        try:
            kid = peek(message)[1]
        except RefusedError as error:
            raise _Stop(Reply(401, b"", error.reason)) from None
        key = await self._keys.find(kid)
        if key is None:
            self._charge(address)
            raise _Stop(Reply(401, b"", UNKNOWN_KID))
        return key

    def _take_for(self, address: str) -> None:
        if address:
            self._take(self._by_address, address)

    def _charge(self, address: str) -> None:
        if address:
            self._by_address.charge(address, BAD_MAC_COST)

    def _take(self, bucket: Bucket, name: Hashable, reason: str = TOO_FAST) -> None:
        wait_s = bucket.take(name)
        if wait_s > 0:
            raise _Stop(Reply(429, b"", reason, max(1, int(wait_s + 0.999))))

    def _open(self, message: bytes, key: DeviceKey, address: str) -> memoryview:
        """Step 2: the payload of a message whose MAC holds."""
        try:
            return key.up_mac.unseal(message)
        except RefusedError as error:
            self._charge(address)
            raise _Stop(Reply(401, b"", error.reason)) from None

    def _take_of(self, key: DeviceKey, uplink: Uplink | None) -> None:
        name = self._freshness.bucket_of(key.kid, uplink)
        self._take(self._by_key, name, TOO_FAST if name == key.kid else COPIED)

    async def _store(self, arrival: Arrival) -> Reply:
        """Steps 5 and 6: commit, then say so under signature."""
        try:
            outcome = await self._ledger.add(arrival)
        except (OverloadedError, StoreUnavailableError) as error:
            return self._hold_off(arrival, error)
        if outcome.has_results:
            await self._mailbox.look_again(arrival.device)
        if self._mailbox.waits_for(arrival.device) and not outcome.late:
            return await self._reply_with_command(arrival, outcome)
        return self._acknowledge(arrival, outcome)

    def _hold_off(self, arrival: Arrival, error: OverloadedError | StoreUnavailableError) -> Reply:
        """Nothing was stored: the device keeps its records, and is told for how long."""
        answer = _answer_to(arrival)
        answer.backoff_s = error.retry_after_s
        body = sign_ack(arrival.key, answer, self._clock())
        reason = OVERLOADED if isinstance(error, OverloadedError) else UNAVAILABLE
        return Reply(503, body, reason, error.retry_after_s)

    def _acknowledge(
        self, arrival: Arrival, outcome: Outcome, poll: int = 0, command: bytes = b""
    ) -> Reply:
        answer = _answer_to(arrival)
        answer.stored, answer.refused = outcome.stored, outcome.refused
        if outcome.wants_catalog and self._lacks_catalog(arrival.uplink):
            poll |= POLL_HELLO
        answer.poll = poll or None
        body = sign_ack(arrival.key, answer, self._clock())
        return Reply(200, body, _reason_of(arrival, outcome), command=command)

    async def _reply_with_command(self, arrival: Arrival, outcome: Outcome) -> Reply:
        """Where only answers reach the device, an ack says that commands wait, and the empty
        report with which the device asks is answered by the command instead of an ack.
        """
        is_asked, state = not arrival.uplink.records, arrival.uplink.state
        command = b""
        if arrival.transport in PUSHING:
            if state != STATE_OFFLINE:
                command = await self._mailbox.next_for(arrival)
        elif is_asked:
            command = await self._mailbox.next_for(arrival)
            if command:
                return Reply(200, command, _reason_of(arrival, outcome))
        else:
            return self._acknowledge(arrival, outcome, POLL_COMMANDS)
        return self._acknowledge(arrival, outcome, command=command)

    def _lacks_catalog(self, uplink: Uplink) -> bool:
        """Whether neither a product file nor this very message says what the channels are."""
        manifest = uplink.manifest
        if manifest is None or manifest.hex() in self._manifests:
            return False
        return not any(
            record.rtype == RTYPE_HELLO and not record.defect and HELLO_CATALOG in record.body
            for record in uplink.records
        )

    def _refuse_major(self, key: DeviceKey, payload: memoryview) -> Reply:
        """A newer device keeps its records and asks again tomorrow; nothing of it is stored."""
        head = decode(payload, MAX_MESSAGE_BYTES)
        inc, boot, now_ms = (head.get(k) for k in (KEY_UP_INC, KEY_UP_BOOT, KEY_UP_NOW_MS))
        if not (_is_inc(inc) and _is_uint(boot) and _is_uint(now_ms)):
            return Reply(422, b"", UNKNOWN_MAJOR)
        answer = Answer(inc, boot, now_ms, backoff_s=MAX_BACKOFF_S)
        return Reply(200, sign_ack(key, answer, self._clock()), UNKNOWN_MAJOR)


def _read_uplink(payload: memoryview) -> Uplink:
    """Step 4. Patterns first: half heartbeats and half freeze frames take 6 us instead of 19."""
    return read_usual(payload) or decode_uplink(payload)


def _is_inc(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == INC_BYTES


def _is_uint(value: object) -> bool:
    return type(value) is int and value >= 0


def _hash(message: bytes) -> bytes:
    return sha256(message).digest()[:HASH_BYTES]


def _misfit(
    key: DeviceKey, message: bytes, transport: str, received_at: int, error: RefusedError
) -> Misfit:
    return Misfit(
        key.device,
        message,
        _hash(message),
        error.reason,
        error.detail,
        transport,
        received_at,
    )


def _arrival(
    key: DeviceKey, message: bytes, transport: str, received_at: int, uplink: Uplink
) -> Arrival:
    inc = uplink.inc.hex()
    origin = inc if uplink.origin_inc is None else uplink.origin_inc.hex()
    return Arrival(key, message, _hash(message), transport, received_at, uplink, inc, origin)


def _reason_of(arrival: Arrival, outcome: Outcome) -> str:
    return ACCEPTED if outcome.new_records or not arrival.uplink.records else DUPLICATE


def _answer_to(arrival: Arrival) -> Answer:
    uplink = arrival.uplink
    return Answer(uplink.inc, uplink.boot, uplink.now_ms, origin=uplink.origin_inc)
