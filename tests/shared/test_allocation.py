"""How much heap a board spends on a report, counted where it matters: on MicroPython.

Objects of the 64-bit build are twice as large as those of a board, so there half of it is spent.
"""

import gc

from phonehome_wire.compat import IS_MICROPYTHON
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import seal
from phonehome_wire.metrics import Metrics
from phonehome_wire.record import encode_fault, put_head, put_heartbeat
from phonehome_wire.registry import RTYPE_HEARTBEAT
from phonehome_wire.uplink import UplinkHead, begin_uplink, end_uplink
from tests.shared.frames import noisy_frame
from tests.shared.golden import KID, UP_KEY
from tests.shared.test_fault import pump_fault

ENCODE_BYTES = 512
SIGN_BYTES = 1536


class Report:
    """What a board keeps between reports: one buffer, one encoder, one of each thing to fill."""

    def __init__(self):
        self.enc = Encoder(bytearray(2048))
        self.head = UplinkHead(b"inc1", 42, 86445834, b"buil")
        self.fault = pump_fault(noisy_frame(channels=8, samples=16))
        self.metrics = Metrics()
        for metric in range(15):
            self.metrics.set(metric, 1000 * metric - 2)

    def put_heartbeat(self):
        """A whole uplink with a heartbeat of 15 metrics."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, 1)
        put_head(self.enc, RTYPE_HEARTBEAT, 42, 1187, 86445826)
        put_heartbeat(self.enc, self.metrics)
        end_uplink(self.enc, self.head)

    def put_fault(self):
        """A whole uplink with a fault and its 8x16 freeze frame."""
        self.enc.reset()
        begin_uplink(self.enc, self.head, 1)
        encode_fault(self.enc, 42, 1187, 86437453, self.fault)
        end_uplink(self.enc, self.head)

    def sign(self):
        """The signature of what was put."""
        seal(self.enc.buf, self.enc.pos, UP_KEY, KID)


def spent_bytes(function):
    """Heap taken by one call, nothing collected in between; what CPython takes has no budget."""
    function()
    if not IS_MICROPYTHON:
        return 0
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    function()
    spent = gc.mem_alloc() - before
    gc.enable()
    return spent


def test_a_heartbeat_is_encoded_in_half_a_kilobyte():
    """Fifteen metrics from their arrays into the send buffer."""
    assert spent_bytes(Report().put_heartbeat) <= ENCODE_BYTES


def test_a_fault_with_its_frame_is_encoded_in_half_a_kilobyte():
    """128 samples from their ring into the send buffer."""
    assert spent_bytes(Report().put_fault) <= ENCODE_BYTES


def test_signing_takes_no_more_than_a_kilobyte_and_a_half():
    """Header in front, tag behind, no copy of the payload."""
    report = Report()
    report.put_fault()
    assert spent_bytes(report.sign) <= SIGN_BYTES


def test_changing_a_metric_takes_nothing():
    """Counting on a board costs no heap at all."""
    metrics = Report().metrics
    metrics.set(200, 5)

    def count():
        metrics.set(200, 7)
        metrics.add(9, 1)

    assert spent_bytes(count) <= 0


if __name__ == "__main__":
    report = Report()
    print(
        spent_bytes(report.put_heartbeat), spent_bytes(report.put_fault), spent_bytes(report.sign)
    )
