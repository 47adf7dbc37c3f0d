"""Bench `wire`: message sizes against their budgets, beside JSON of the same, and their cost.

Encoding and signing are measured on unix MicroPython, in the interpreter of the boards; reading on
this Python, the receiver's. The golden answers of the receiver are sized from their own encoders.
"""

import json
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

from phonehome_tools.bench.figures import Figure
from phonehome_tools.decode import describe
from phonehome_tools.fleet.errors import FleetError
from phonehome_tools.fleet.interpreter import BOARD_HEAP, board_environment, find_interpreter
from phonehome_wire.downlink import Ack, Command, TimeReply, put_ack, put_command, put_time_reply
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_64, ALG_HMAC_256, make_kid, payload_span, seal, unseal
from phonehome_wire.uplink import decode_uplink

BOARD = Path(__file__).with_name("wire_board.py")
BOARD_TIMEOUT_S = 120
TURNS = 300
ENCODE_HEAP_BYTES = 512
SIGN_HEAP_BYTES = 1536

# The modules that an agent loads to report and to be told.
IMPORT_HEAP = """
import gc
gc.collect()
before = gc.mem_alloc()
for module in ("record", "uplink", "metrics", "downlink", "envelope", "keys"):
    __import__("phonehome_wire." + module)
gc.collect()
print(gc.mem_alloc() - before)
"""

# Bytes that each signed message may have.
BUDGETS = {
    "heartbeat": 160,
    "fault": 160,
    "fault 8x16": 448,
    "fault 8x16 quiet": 448,
    "fault 8x16 noisy": 448,
    "fault 8x16 full scale": 1024,
    "fault 8x32": 1024,
    "fault 16x16": 1024,
    "crash": 700,
    "crash without crumbs": 700,
    "20 faults": 1400,
    "30 faults": 1400,
    "poll": 128,
    "ack": 128,
    "command": 128,
    "time reply": 128,
}
COMPARED = ("heartbeat", "fault 8x16", "crash", "20 faults")  # with JSON, heap and time
LEAN = ("heartbeat", "fault 8x16")  # may be encoded at any moment: their heap has a bar
ADDED = ("fmi_name", "severity_name", "status_names")  # what `decode` adds for people


def measure() -> list[Figure]:
    """Sizes, then the cost of the messages that matter most, then the import."""
    rows = {row["name"]: row for row in json.loads(run_board(str(BOARD)))}
    messages = {name: bytes.fromhex(row["message"]) for name, row in rows.items()}
    figures = [
        Figure(f"{name}, signed", len(message), "B", BUDGETS[name])
        for name, message in {**messages, **answers()}.items()
    ]
    for name in COMPARED:
        figures += compare(name, messages[name], rows[name])
    kept = int(run_board("-c", IMPORT_HEAP))
    return [*figures, Figure("wire modules of a board, imported from source, heap", kept, "B")]


def run_board(*words: str) -> str:
    """What a script prints under MicroPython with a board's heap."""
    done = subprocess.run(  # noqa: S603 - our own script
        [find_interpreter(), "-X", f"heapsize={BOARD_HEAP}", *words],
        env=dict(board_environment()),
        capture_output=True,
        text=True,
        timeout=BOARD_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise FleetError(f"{words[0]} failed under MicroPython: {done.stderr or done.stdout}")
    return done.stdout


def answers() -> dict[str, bytes]:
    """The receiver's usual messages, signed."""
    inc, boot, server_ms = b"inc1", 42, 1_790_000_000_000
    ack = Ack(inc, boot, server_ms, 86_431_502, [(42, 1150, 1170), (42, 1187, 1189)])
    command = Command(inc, boot, server_ms, 5, 87_031_502, 3, {0: 60, 1: 250})
    reply = TimeReply(server_ms, b"12345678")
    return {
        "ack": signed(put_ack, ack, ALG_HMAC_64),
        "command": signed(put_command, command, ALG_HMAC_256),
        "time reply": signed(put_time_reply, reply, ALG_HMAC_256),
    }


def signed(put: Any, message: object, alg: int) -> bytes:
    """One downlink."""
    enc = Encoder(bytearray(1100))
    put(enc, message)
    start, end = seal(enc.buf, enc.pos, bytes(32), make_kid(bytes(8), 1), alg)
    return bytes(enc.buf[start:end])


def compare(name: str, message: bytes, row: dict[str, Any]) -> list[Figure]:
    """One message beside JSON of its content, and its cost at both ends."""
    text = as_json(message)
    bar = ENCODE_HEAP_BYTES if name in LEAN else None
    start, end = payload_span(message)
    return [
        Figure(f"{name}, payload", end - start, "B"),
        Figure(f"{name}, payload as JSON", len(text), "B"),
        Figure(f"{name}, payload as JSON, deflated", len(zlib.compress(text, 9)), "B"),
        Figure(f"{name}, encode on MicroPython", row["encode_us"], "us"),
        Figure(f"{name}, encode, heap", row["encode_heap"], "B", bar),
        Figure(f"{name}, sign on MicroPython", row["sign_us"], "us"),
        Figure(f"{name}, sign, heap", row["sign_heap"], "B", SIGN_HEAP_BYTES),
        Figure(f"{name}, verify and read at the receiver", read_us(message), "us"),
    ]


def as_json(message: bytes) -> bytes:
    """The same content with names for keys and samples in their unit, without white space."""
    told = describe(message, None, "up")
    for envelope in ("direction", "verified", "alg", "device", "epoch", "bytes"):
        del told[envelope]
    for record in told["records"]:
        for name in ADDED:
            record["body"].pop(name, None)
        for channel in record["body"].get("freeze", {}).get("channels", {}).values():
            exp = channel.pop("exp")
            channel["samples"] = [round(s * 10**exp, 9) for s in channel["samples"]]
    return json.dumps(told, separators=(",", ":")).encode()


def read_us(message: bytes) -> float:
    """Best of five means of verifying, decoding and judging one uplink."""
    means = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(TURNS):
            decode_uplink(unseal(message, bytes(32)))
        means.append((time.perf_counter() - start) / TURNS * 1e6)
    return min(means)
