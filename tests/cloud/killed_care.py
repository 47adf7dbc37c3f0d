"""A receiver process that looks after tickets and is killed, by itself, at one statement.

    python -m tests.cloud.killed_care FOLDER STATEMENT [LATER_MS]

It ends with SIGKILL when it is about to execute the statement of that number, counted over all of
its writes; "commit" stands for the moment before the first commit with a decision or an outcome in
it. Its clock is so much later.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import event, func, select

from phonehome_cloud.store.care_tables import diagnosis
from phonehome_cloud.store.prior_tables import outcome
from tests.cloud.household import Household


class Killer:
    """Counts statements of writes, and kills this process at one of them."""

    def __init__(self, engine, at):
        self._at = at
        self.count = 0
        with engine.connect() as connection:
            self._decided = _count_decided(connection)
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._commit)

    def _statement(self, *_what):
        self.count += 1
        if str(self.count) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _commit(self, connection):
        # Asked of the table: on PostgreSQL the insertion may only go with what comes next.
        if self._at == "commit" and _count_decided(connection) > self._decided:
            os.kill(os.getpid(), signal.SIGKILL)


def _count_decided(connection):
    """How many decisions and outcomes there are."""
    tables = diagnosis, outcome
    return sum(connection.scalar(select(func.count()).select_from(each)) for each in tables)


async def look_after(home):
    """Whatever is due."""
    await home.care()


def main(folder, at, later_ms="0"):
    """Run until killed, or until there is nothing left to do."""
    home = Household(Path(folder))
    home.clock.advance(int(later_ms))
    killer = Killer(home.database.engine, at)
    asyncio.run(look_after(home))
    home.close()
    sys.stdout.write(f"{killer.count}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
