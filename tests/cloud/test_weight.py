"""What a receiver loads before anybody has asked it for anything."""

import subprocess
import sys

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


def test_a_receiver_loads_only_what_it_uses():
    """Memory and start stay as small as they are; what was kept from libraries is there later."""
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert said.stdout.split() == []
