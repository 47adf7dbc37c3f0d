"""Webhooks as Standard Webhooks 1.0 signs them, with CloudEvents 1.0 as their body."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

CONTENT_TYPE: Final = "application/cloudevents+json"
_PREFIX: Final = "whsec_"
_TYPE_PREFIX: Final = "phonehome."
_TOLERANCE_S: Final = 300  # as the reference library has it
_MAX_SIGNATURES: Final = 8
_MAX_DIGITS: Final = 12


def show_secret(secret: bytes) -> str:
    """A secret as it is handed over."""
    return _PREFIX + base64.b64encode(secret).decode()


def sign(secrets: Sequence[bytes], key: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers of a webhook: its id, its time and one signature for each secret."""
    signed = f"{key}.{at_s}.".encode() + body
    words = [
        "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": key,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(words),
    }


def write_event(
    key: str,
    event: str,
    source: str,
    device: str | None,
    ticket: int | None,
    at_ms: int,
    data: Mapping[str, Any],
) -> bytes:
    """A CloudEvent in structured JSON: the same arguments make the same bytes, try after try.

    `event` is its type without our prefix, `at_ms` when it happened.
    """
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": key,
        "source": source,
        "type": _TYPE_PREFIX + event,
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if device is not None:
        envelope["subject"] = device if ticket is None else f"{device}-{ticket}"
    envelope["data"] = dict(data)
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def verify(
    secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int
) -> str | None:
    """The id of a message that somebody signed with one of our secrets, within five minutes.

    None when it is not signed so: by nobody, by another, too long ago or in the future.
    """
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    key, at, given = (headers.get(name, "") for name in names)
    if not (key and at.isascii() and at.isdigit() and len(at) <= _MAX_DIGITS):
        return None
    if abs(now_s - int(at)) > _TOLERANCE_S:
        return None
    wanted = sign(secrets, key, int(at), body)["webhook-signature"].split()
    words = given.split()[:_MAX_SIGNATURES]
    # Every pair is compared, so that how long it takes says nothing.
    matches = [
        hmac.compare_digest(word.encode(), good.encode()) for word in words for good in wanted
    ]
    return key if any(matches) else None
