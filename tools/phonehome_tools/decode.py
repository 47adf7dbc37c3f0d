"""`phonehome decode`: read one PH/1 message in any of its dresses and print it as JSON."""

import argparse
import base64
import binascii
import json
import sys
from pathlib import Path
from typing import Any

from phonehome_tools.linking.lines import LineMap
from phonehome_wire import names, registry
from phonehome_wire.decoder import decode
from phonehome_wire.downlink import Ack, Command, decode_downlink
from phonehome_wire.enrollment import decode_enroll_reply, decode_enroll_request
from phonehome_wire.envelope import ALG_HMAC_64, payload_span, peek, unseal
from phonehome_wire.errors import RefusedError, WireError
from phonehome_wire.keys import KEY_BYTES, down_key, up_key
from phonehome_wire.limits import MAX_MESSAGE_BYTES
from phonehome_wire.series import expand
from phonehome_wire.uplink import Record, decode_uplink

GOOD, USAGE, REFUSED = 0, 2, 3  # the exit codes of the command
MAX_INPUT_BYTES = 4 * MAX_MESSAGE_BYTES  # hex with line breaks is the longest dress
RAW_BEGIN = b"\xd1\x84"

BODY_NAMES = {
    registry.RTYPE_HELLO: names.HELLO_NAMES,
    registry.RTYPE_HEARTBEAT: names.METRIC_NAMES,
    registry.RTYPE_FAULT: names.FAULT_NAMES,
    registry.RTYPE_CRASH: names.CRASH_NAMES,
    registry.RTYPE_RESULT: names.RESULT_FIELD_NAMES,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE or -, the key and the direction."""
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="raw, hex or base64; - is stdin"
    )
    parser.add_argument(
        "--key", type=_key, metavar="HEX", help="device key: verify the message with it"
    )
    parser.add_argument(
        "--map",
        type=_map,
        metavar="FILE",
        help="map.json of the board's build: frames of crashes as the sources have them",
    )
    parser.add_argument("--dir", choices=("up", "dn"), help="default: what the payload looks like")


def run(args: argparse.Namespace) -> int:
    """Print the message: 0 good, 2 the file cannot be read, 3 refused for the reason on stderr."""
    try:
        data = _read(args.file)
    except OSError as error:
        print(f"phonehome decode: {args.file}: {error.strerror}", file=sys.stderr)
        return USAGE
    try:
        told = describe(undress(data), args.key, args.dir)
        if args.map is not None:
            _place_frames(told, args.map)
    except WireError as error:
        print(f"phonehome decode: {error}", file=sys.stderr)
        return REFUSED
    print(json.dumps(told, indent=1, ensure_ascii=False))
    defects = [
        f"record {r['seq']}: {r['defect']}" for r in told.get("records", ()) if "defect" in r
    ]
    if defects:
        print(f"phonehome decode: schema: {'; '.join(defects)}", file=sys.stderr)
    return REFUSED if defects else GOOD


def undress(data: bytes) -> bytes:
    """The message in raw, hex or base64 input; RefusedError "frame" when it is none of them."""
    if len(data) > MAX_INPUT_BYTES:
        raise RefusedError("frame", f"more than {MAX_INPUT_BYTES} bytes of input")
    if data.startswith(RAW_BEGIN):
        return data
    text = b"".join(data.split())
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        pass
    try:
        padded = text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4)
        return base64.b64decode(padded.translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except binascii.Error:
        raise RefusedError(
            "frame", "the input is neither a raw message nor hex nor base64"
        ) from None


def describe(message: bytes, key: bytes | None, direction: str | None) -> dict[str, Any]:
    """A message as JSON can say it; verified when there is a key. RefusedError when it is bad."""
    if len(message) > MAX_MESSAGE_BYTES:
        raise RefusedError("frame", f"{len(message)} bytes, cap {MAX_MESSAGE_BYTES}")
    alg, kid = peek(message)
    start, end = payload_span(message)
    payload = message[start:end]
    way = direction or ("dn" if _is_downlink(payload) else "up")
    if key is not None:
        derive = up_key if way == "up" else down_key
        unseal(message, derive(key, kid[:8]))
    return {
        "direction": way,
        "verified": key is not None,
        "alg": "HMAC 256/64" if alg == ALG_HMAC_64 else "HMAC 256/256",
        "device": kid[:8].hex(),
        "epoch": kid[8],
        "bytes": len(message),
        **_payload(payload, way, alg),
    }


def _place_frames(told: dict[str, Any], lines: LineMap) -> None:
    """Put places of the sources into the frames of every crash."""
    for record in told.get("records", ()):
        body = record["body"]
        if record["type"] == "crash" and isinstance(body, dict) and "frames" in body:
            body["frames"] = [
                list(lines.frame(*frame)) if isinstance(frame[0], str) else frame
                for frame in body["frames"]
            ]


def _map(text: str) -> LineMap:
    """A map from its path; argparse turns the error into a usage line."""
    try:
        return LineMap(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _key(text: str) -> bytes:
    """A 32-byte key in hex; argparse turns the error into a usage line that does not repeat it."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise argparse.ArgumentTypeError(f"want {KEY_BYTES} bytes as {2 * KEY_BYTES} hex digits")
    return key


def _read(file: str) -> bytes:
    """The input, one byte more than the cap at most."""
    if file == "-":
        return sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    with Path(file).open("rb") as source:
        return source.read(MAX_INPUT_BYTES + 1)


def _is_downlink(payload: bytes) -> bool:
    """Downlinks have a number under key 4, uplinks a pair or nothing; damaged ones pass as up."""
    try:
        body = decode(payload)
    except RefusedError:
        return False
    return isinstance(body, dict) and isinstance(body.get(registry.KEY_DN_KIND), int)


def _payload(payload: bytes, way: str, alg: int) -> dict[str, Any]:
    """The payload by the names of its fields."""
    body = decode(payload)
    if way == "up":
        if isinstance(body, dict) and registry.KEY_ENROLL_DEVICE in body:
            return {"kind": "enroll_request", **_attributes(decode_enroll_request(payload))}
        uplink = decode_uplink(payload)
        return {**_attributes(uplink), "records": [_record(record) for record in uplink.records]}
    if isinstance(body, dict) and body.get(registry.KEY_DN_KIND) == registry.DOWNLINK_ENROLL:
        return {"kind": "enroll", **_attributes(decode_enroll_reply(payload))}
    message = decode_downlink(payload)
    if alg == ALG_HMAC_64 and not isinstance(message, Ack):
        raise RefusedError("alg", "commands and time replies need HMAC 256/256")
    kind = (
        "ack"
        if isinstance(message, Ack)
        else "command"
        if isinstance(message, Command)
        else "time"
    )
    return {"kind": kind, **_attributes(message)}


def _attributes(message: object) -> dict[str, Any]:
    """What is set in a message."""
    fields = {k: v for k, v in vars(message).items() if v is not None and k != "records"}
    return {name: _plain(value) for name, value in fields.items()}


def _record(record: Record) -> dict[str, Any]:
    told: dict[str, Any] = {
        "type": names.RTYPE_NAMES.get(record.rtype, record.rtype),
        "boot": record.boot,
        "seq": record.seq,
        "ms": record.ms,
        "body": _body(record),
    }
    if record.defect is not None:
        told["defect"] = record.defect
    return told


def _body(record: Record) -> Any:
    """A body with the names of its fields; freeze frames as samples, context by metric."""
    body = record.body
    if record.rtype not in BODY_NAMES or record.defect is not None:
        return _plain(body)
    told = _named(body, BODY_NAMES[record.rtype])
    if record.rtype == registry.RTYPE_FAULT:
        told["fmi_name"] = names.FMI_NAMES.get(body[registry.FAULT_FMI], "reserved")
        told["severity_name"] = names.SEVERITY_NAMES[body[registry.FAULT_SEVERITY]]
        told["status_names"] = names.bit_names(names.STATUS_NAMES, body[registry.FAULT_STATUS])
        if registry.FAULT_CONTEXT in body:
            told["context"] = _named(body[registry.FAULT_CONTEXT], names.METRIC_NAMES)
        if registry.FAULT_FREEZE in body:
            told["freeze"] = _freeze(body[registry.FAULT_FREEZE])
    return told


def _freeze(freeze: dict[int, Any]) -> dict[str, Any]:
    told = _named(freeze, names.FREEZE_NAMES)
    series = {channel: expand(row) for channel, row in freeze[registry.FREEZE_CHANNELS].items()}
    told["channels"] = {
        str(channel): {"exp": exp, "samples": samples}
        for channel, (exp, samples) in series.items()
    }
    return told


def _named(body: dict[int, Any], table: dict[int, str]) -> dict[str, Any]:
    """Names for key numbers; a key without a name keeps its number."""
    return {table.get(key, str(key)): _plain(value) for key, value in body.items()}


def _plain(value: Any) -> Any:
    """Bytes as hex, everything else as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
