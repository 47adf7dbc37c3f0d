"""What a receiver loads before anybody has asked it for anything."""

import platform
import subprocess
import sys

import pytest

from phonehome_cloud import heap

# Each is loaded by the first who needs it, or by nobody; cloud/README.md tells their MiB.
LATER = (
    *("alembic", "pydantic", "jinja2", "babel", "icalendar", "imap_tools", "aiosmtplib"),
    *("amqtt", "psycopg", "pyarrow", "opentelemetry", "greenlet", "dns"),
)
SCRIPT = f"""
import sys
import phonehome_cloud.__main__
print(*(name for name in {LATER} if name in sys.modules))
import greenlet, dns.resolver, jinja2
"""

HOLES = """
import re
from pathlib import Path
from phonehome_cloud import heap

def resident_kib():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

blocks = [bytearray(8000) for _ in range(4000)]
last = bytearray(8000)  # what lies before it is no end that the allocator returns by itself
del blocks
before = resident_kib()
heap.give_back()
print(before, resident_kib())
"""


def test_a_receiver_loads_only_what_it_uses():
    """Memory and start stay as small as they are; what was kept from libraries is there later."""
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert said.stdout.split() == []


def test_a_receiver_starts_where_the_allocator_cannot_be_asked(monkeypatch):
    """Another C library, or a process that may not load ctypes, costs memory and nothing else."""
    monkeypatch.setitem(sys.modules, "ctypes", None)
    heap.share_arena()
    heap.give_back()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_is_free_goes_back():
    """A hole in the middle of the heap is the system's again."""
    said = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, check=True)
    before_kib, after_kib = map(int, said.stdout.split())
    assert after_kib < before_kib - 8 * 1024
