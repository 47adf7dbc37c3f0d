"""`bench courier` measures what it promises."""

from phonehome_tools.bench.courier import measure
from phonehome_wire.serial import numbered_line
from tests.fakes.desk import FakeDesk


def test_an_exported_fault_is_as_small_as_the_page_says(project):
    """The bytes on the line per fault, rounded, are those that tools/README.md tells."""
    figures = {figure.figure: figure.value for figure in measure()}
    page = (project / "tools/README.md").read_text()
    for name in ("fault", "fault 8x16", "20 faults"):
        told = f"{figures[f'{name}, on the line per exported fault']:.0f} B"
        assert told in page, (name, told)
    assert figures["fault 8x16, export, at 115200 Bd"] < 60
    assert figures["ack, typed"] < 2 * 120


def test_the_ack_of_the_bench_is_a_usual_one():
    """An ack of one report is two lines, as counted there."""

    class Report:
        inc, boot, now_ms, origin_inc, records = b"inc1", 42, 86_431_502, None, ()

    ack = FakeDesk(bytes(8), bytes(32)).ack(Report())
    assert len(ack) <= 114 and numbered_line(ack, 1).startswith("1/2 ")
