"""The benches' own parts: figures, load, and the reports that it sends."""

import sys
from asyncio.subprocess import DEVNULL
from urllib.parse import urlsplit

import pytest

from phonehome_tools.bench import BENCHES, reason_to_skip
from phonehome_tools.bench.figures import AT_LEAST, Figure
from phonehome_tools.bench.intake import read_address
from phonehome_tools.bench.load import body_length, connect, post
from phonehome_tools.bench.reports import Reporter
from phonehome_tools.fleet.children import Children
from phonehome_tools.fleet.errors import ChildError
from phonehome_tools.fleet.interpreter import python_environment
from phonehome_wire.envelope import unseal
from phonehome_wire.keys import up_key
from phonehome_wire.registry import FAULT_FREEZE, FREEZE_CHANNELS, RTYPE_HEARTBEAT
from phonehome_wire.uplink import decode_uplink


def test_a_figure_knows_its_good_side():
    """A bar is an upper or a lower one; without a bar everything holds."""
    assert Figure("bytes", 160, "B", 160).holds
    assert not Figure("bytes", 161, "B", 160).holds
    assert Figure("ratio", 0.3, "", 0.25, AT_LEAST).holds
    assert not Figure("ratio", 0.2, "", 0.25, AT_LEAST).holds
    assert Figure("rate", 1, "1/s").holds


def test_a_figure_is_four_words_in_json():
    """Programs read figure, value, unit and bar."""
    assert Figure("bytes", 5, "B").as_dict() == {
        "figure": "bytes",
        "value": 5,
        "unit": "B",
        "bar": None,
    }


def test_reports_are_authentic_and_never_repeated():
    """Each report of the load is signed for its device and has records of its own."""
    reporter = Reporter()
    key = up_key(reporter.key, bytes.fromhex(reporter.device))
    messages = [reporter.heartbeat(), reporter.faults(64), reporter.faults(1), reporter.report()]
    uplinks = [decode_uplink(unseal(message, key)) for message in messages]
    seqs = [record.seq for uplink in uplinks for record in uplink.records]
    assert seqs == list(range(67))
    assert all(record.defect is None for uplink in uplinks for record in uplink.records)


def test_appliances_report_heartbeats_and_faults_in_turn():
    """The load is half of each, the faults with a whole freeze frame."""
    reporter = Reporter()
    key = up_key(reporter.key, bytes.fromhex(reporter.device))
    heartbeat, fault = (decode_uplink(unseal(reporter.report(), key)).records[0] for _ in range(2))
    assert heartbeat.rtype == RTYPE_HEARTBEAT
    assert len(fault.body[FAULT_FREEZE][FREEZE_CHANNELS]) == 8


async def test_load_counts_answers():
    """Every request that was answered is counted once, and a stream that runs dry ends."""
    async with Children() as children:
        argv = [sys.executable, "-m", "phonehome_tools.bench.echo"]
        process = await children.start(argv, python_environment(), DEVNULL)
        address = urlsplit(await read_address(process))
        request = post(address.hostname, address.port, b"x" * 300)
        load = await connect(address.hostname, address.port, [iter([request] * 20)] * 3)
        answers, rate = await load.measure(30)
        assert answers == 20
        assert rate > 0
        load.close()


async def test_load_stops_at_a_refusal():
    """A server that refuses is not measured as if it had accepted."""
    async with Children() as children:
        argv = [sys.executable, "-m", "phonehome_tools.bench.echo"]
        process = await children.start(argv, python_environment(), DEVNULL)
        address = urlsplit(await read_address(process))
        request = post(address.hostname, address.port, b"").replace(b"/v1/up", b"/other")
        load = await connect(address.hostname, address.port, [iter([request])])
        with pytest.raises(ChildError, match="404"):
            await load.measure(30)
        load.close()


def test_body_length_is_read_in_any_case():
    """Header names have no case, and no length means no body."""
    assert body_length(b"HTTP/1.1 200 OK\r\nCONTENT-length: 12\r\nX: y") == 12
    assert body_length(b"HTTP/1.1 204 No Content") == 0


def test_what_cannot_run_here_is_skipped_with_its_reason(monkeypatch):
    """Without firmware the emulated Pico is left out of all benches, and it is said why."""
    monkeypatch.delenv("PHONEHOME_PICO_UF2", raising=False)
    assert "PHONEHOME_PICO" in reason_to_skip("pico") or "install" in reason_to_skip("pico")
    assert [name for name in BENCHES if reason_to_skip(name)] == ["pico"]
