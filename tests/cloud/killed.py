"""A receiver process to be killed: reports in on stdin, acks out on stdout, one hex line each.

    python -m tests.cloud.killed FOLDER honest|early|digest

Every commit is delayed, so that a kill hits between "stored" and "on the disk". `early` answers
before the commit, as no receiver may: the test must catch it. `digest` digests what is stored.
"""

import asyncio
import sys
import time
from pathlib import Path

from sqlalchemy import event

from phonehome_cloud.core.arrivals import Outcome
from tests.fakes.appliance import Appliance
from tests.fakes.store import StoreReceiver

COMMIT_DELAY_S = 0.05
WASHER = Appliance()


class EarlyLedger:
    """Says that everything is stored, and stores it afterwards."""

    def __init__(self, committer):
        self._committer = committer
        self._tasks = set()

    async def add(self, arrival):
        task = asyncio.create_task(self._committer.add(arrival))
        self._tasks.add(task)
        return Outcome(stored=[(r.boot, r.seq) for r in arrival.uplink.records], new_records=1)


async def answer(receiver, line):
    """Accept one report and print its ack."""
    reply = await receiver.accept(bytes.fromhex(line))
    sys.stdout.write(reply.body.hex() + "\n")
    sys.stdout.flush()


async def receive(receiver):
    """Accept every line at once, as it comes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tasks = set()
    while line := await reader.readline():
        tasks.add(asyncio.create_task(answer(receiver, line.decode())))
    await asyncio.gather(*tasks)


async def digest(receiver):
    """Digest batch by batch, and say so after each."""
    while await receiver.digest.step():
        sys.stdout.write("step\n")
        sys.stdout.flush()


def main(folder, mode):
    """Run until killed, or until there is nothing left to do."""
    receiver = StoreReceiver(Path(folder), max_batch=10, digest_batch=5)
    event.listen(receiver.database.engine, "commit", lambda _: time.sleep(COMMIT_DELAY_S))
    if mode == "early":
        receiver.intake._ledger = EarlyLedger(receiver.committer)
    asyncio.run(digest(receiver) if mode == "digest" else receive(receiver))
    receiver.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
