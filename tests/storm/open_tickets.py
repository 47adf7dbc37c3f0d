"""What considering a ticket costs while many others are open: it must not depend on their number.

    python -m tests.storm.open_tickets [--tickets 1000000]

Fills a new SQLite database with open tickets that wait for tomorrow, has a thousand of them
considered now, twice, and prints the processor time for each: with everything to write, and with
nothing new.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from phonehome_cloud.core.deciding.incidents import DAY_MS
from phonehome_cloud.store import looking
from tests.cloud.household import Household

CONSIDERED = 1000
_DEVICE = "printf('b4cf12%010x', i)"
_FAULT = "520192 + (i % 2) * 3, 7"  # a fault with evidence, and one for sales
_ROWS = {
    "device (device, product, label, created_at)": f"{_DEVICE}, 'pumper', '', 1",
    "ticket (device, number, spn, fmi, state, severity, product, code, title, opened_at,"
    " updated_at, event_at, last_event_at, late, occurrences, reopened, events)": f"{_DEVICE}, 1,"
    f" {_FAULT}, 'open', 3, 'pumper', 'P1', 'No flow', :at, :at, :at, :at, 0, 1, 0, 1",
    "care (device, ticket, due_at, asked, diagnoses, actions, spn, fmi, first_at, build)": (
        f"{_DEVICE}, 1, :at + {DAY_MS} + i, 1, 0, 0, {_FAULT}, :at - {3 * DAY_MS}, 'x'"
    ),
    "fault_event (device, inc, boot, seq, spn, fmi, kind, status, occurrence, severity, has_frame,"
    " event_at, time_quality, received_at, late, ticket)": f"{_DEVICE}, 'aa', 1, 1, {_FAULT}, 0,"
    " 47, 1, 3, 0, :at, 'x', :at, 0, 1",
}


def fill(connection, tickets, at):
    """So many open tickets."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    for into, values in _ROWS.items():
        statement = f"INSERT INTO {into} {numbers} SELECT {values} FROM n"
        given = {"count": tickets, "at": at} if ":at" in values else {"count": tickets}
        connection.execute(text(statement), given)


async def measure(folder, tickets, considered=CONSIDERED):
    """Microseconds of processor time for each ticket, the first time and again."""
    home = Household(folder)
    await home.do(fill, tickets, home.clock())
    step = max(1, tickets // considered)
    keys = [(f"b4cf12{i:010x}", 1) for i in range(1, tickets + 1, step)][:considered]
    found = {"open": tickets}
    for name in ("first_us", "again_us"):
        await home.do(looking.look_at, keys, home.clock())
        started_s, done = time.process_time(), 0
        while count := await home.caring.step():
            done += count
        assert done == len(keys)
        found[name] = round((time.process_time() - started_s) / done * 1e6)
    home.close()
    return found


def main(words):
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickets", type=int, default=1_000_000)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        found = asyncio.run(measure(Path(name), given.tickets))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
