"""What `bench wire` runs on unix MicroPython: encode and sign messages, count time and heap.

Prints one JSON object. Needs phonehome_wire alone, and nothing that MicroPython lacks.
"""

import gc
import json
import time

from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import make_kid, seal
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import (
    Crash,
    Fault,
    encode_crash,
    encode_fault,
    put_head,
    put_heartbeat,
)
from phonehome_wire.registry import RTYPE_HEARTBEAT
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TURNS = 200


class Frame:
    """A freeze frame from a formula: noise of a fixed seed, and a ramp in channel 1."""

    def __init__(self, channel_count: int, count: int, noise: int, step: int) -> None:
        self.period_ms = 250
        self.trigger = count * 3 // 4
        self.count = count
        self.channel_count = channel_count
        self.rows = [self.row(i, noise, step) for i in range(channel_count)]

    def row(self, i: int, noise: int, step: int) -> "list[int]":
        """The samples of one channel."""
        state = 777 + i
        samples = []
        for j in range(self.count):
            state = (state * 1103515245 + 12345) % 2147483648
            ramp = 55 * max(0, j - self.trigger + 7) if i == 1 else step * j
            samples.append(3300 - 400 * i + state // 65536 % (noise * (i % 3 + 1)) + ramp)
        return samples

    def channel_id(self, i: int) -> int:
        """Wire id."""
        return i

    def exp(self, i: int) -> int:
        """Exponent."""
        return -3 if i < 4 else -1

    def sample(self, i: int, j: int) -> int:
        """One sample."""
        return self.rows[i][j]


def make_fault(frame: "Frame | None") -> Fault:
    """A confirmed fault with every field."""
    fault = Fault()
    fault.spn, fault.fmi, fault.status, fault.occurrence, fault.severity = 520203, 6, 47, 3, 3
    fault.channel, fault.exp, fault.value, fault.limit = 1, -3, 1925, 2500
    fault.failing_ms, fault.frame = 750, frame
    fault.context = Metrics(4)
    for metric, value in ((0, 86423), (1, 61252), (3, -71), (6, 3308)):
        fault.context.set(metric, value)
    return fault


def make_crash(crumb_count: int) -> Crash:
    """An exception six frames deep."""
    crash = Crash(1)
    crash.exception, crash.message = "OSError", "[Errno 110] ETIMEDOUT"
    names = (
        "main",
        "app/runner",
        "app/sampler",
        "drivers/bme280",
        "drivers/bme280",
        "drivers/i2c",
    )
    crash.frames = [(f"{names[i]}.py", 42 + 77 * i, f"read_sensor_{i}") for i in range(6)]
    crash.crumbs = [(-15000 + 1500 * i, "sensor", "retry bme280", i) for i in range(crumb_count)]
    crash.heap_free, crash.heap_largest, crash.reset_cause = 23892, 9216, 1
    return crash


class Board:
    """One encoder, one head and one set of metrics, as a board keeps them."""

    def __init__(self) -> None:
        self.enc = Encoder(bytearray(2048))
        self.head = UplinkHead(b"\x9f:\xc4\x1e", 42, 86431502, b"?\x9a\xc2\x1b")
        self.head.manifest = b"\xb0}U\xe2"
        self.metrics = Metrics()
        for metric, value in enumerate(
            (86431, 61252, 39312, -71, 3, 5, 3309, 412, 87, 345724, 12, 2, 0, 1, 4)
        ):
            self.metrics.set(metric, value)

    def heartbeat(self) -> None:
        """A heartbeat of 15 metrics."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, 1)
        put_head(self.enc, RTYPE_HEARTBEAT, 42, 1189, 86431490)
        put_heartbeat(self.enc, self.metrics)
        end_uplink(self.enc, self.head)

    def faults(self, fault: Fault, count: int = 1) -> None:
        """A report of `count` faults."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, count)
        for seq in range(1150, 1150 + count):
            encode_fault(self.enc, 42, seq, 86423117, fault)
        end_uplink(self.enc, self.head)

    def crash(self, crash: Crash) -> None:
        """A report of one crash."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, 1)
        encode_crash(self.enc, 42, 1188, 86425985, crash)
        end_uplink(self.enc, self.head)

    def poll(self) -> None:
        """A report of nothing."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, 0)
        end_uplink(self.enc, self.head)

    def messages(self) -> "list[tuple[str, Any]]":
        """Each kind of uplink by name, with a call that encodes it."""
        event = make_fault(None)
        event.context = None
        return [
            ("heartbeat", self.heartbeat),
            ("fault", lambda: self.faults(event)),
            ("fault 8x16", make_call(self.faults, make_fault(Frame(8, 16, 9, 0)))),
            ("fault 8x16 quiet", make_call(self.faults, make_fault(Frame(8, 16, 1, 0)))),
            ("fault 8x16 noisy", make_call(self.faults, make_fault(Frame(8, 16, 70, 0)))),
            ("fault 8x16 full scale", make_call(self.faults, make_fault(Frame(8, 16, 9, 4000)))),
            ("fault 8x32", make_call(self.faults, make_fault(Frame(8, 32, 70, 0)))),
            ("fault 16x16", make_call(self.faults, make_fault(Frame(16, 16, 70, 0)))),
            ("crash", make_call(self.crash, make_crash(10))),
            ("crash without crumbs", make_call(self.crash, make_crash(0))),
            ("20 faults", lambda: self.faults(event, 20)),
            ("30 faults", lambda: self.faults(event, 30)),
            ("poll", self.poll),
        ]


def make_call(function: "Any", argument: "Any") -> "Any":
    """A call of one argument that is made ready beforehand."""
    return lambda: function(argument)


def spent_us(function: "Any") -> float:
    """Mean time of one call."""
    start = time.ticks_us()  # type: ignore[attr-defined]  # MicroPython
    for _ in range(_TURNS):
        function()
    spent: int = time.ticks_diff(time.ticks_us(), start)  # type: ignore[attr-defined]
    return spent / _TURNS


def spent_bytes(function: "Any") -> int:
    """Heap that one call takes, nothing collected in between."""
    function()
    gc.collect()
    gc.disable()
    before = heap_bytes()
    function()
    spent = heap_bytes() - before
    gc.enable()
    return spent


def heap_bytes() -> int:
    """Heap in use."""
    used: int = gc.mem_alloc()  # type: ignore[attr-defined]  # MicroPython
    return used


def measure(board: Board, name: str, put: "Any") -> "dict[str, Any]":
    """One message: its bytes, and what encoding and signing it costs."""
    kid = make_kid(b"\xa4\xcf\x12\xff\xfe\x05\xd3\xb1", 1)
    key = bytes(32)
    put()
    end = board.enc.pos

    def sign() -> None:
        seal(board.enc.buf, end, key, kid)

    row: dict[str, Any] = {
        "name": name,
        "encode_us": spent_us(put),
        "encode_heap": spent_bytes(put),
        "sign_us": spent_us(sign),
        "sign_heap": spent_bytes(sign),
    }
    start, stop = seal(board.enc.buf, end, key, kid)
    row["message"] = bytes(board.enc.buf[start:stop]).hex()
    return row


def main() -> None:
    """Measure everything."""
    board = Board()
    rows = [measure(board, name, put) for name, put in board.messages()]
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
