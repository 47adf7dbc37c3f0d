"""An archive run that is killed at a step: python -m tests.cloud.killed_archive FOLDER WHAT STEP.

WHAT is archive or restore. The step is a call that is replaced by one that ends the process with
SIGKILL, before it or, with a "+" behind it, after it; a number says in which call.
"""

import os
import signal
import sys
from pathlib import Path

from phonehome_cloud import archiving
from phonehome_cloud.store import archives, parquet
from phonehome_cloud.store.database import Database
from tests.fakes.bases import base_url

STEPS = {
    "write": (parquet, "write_file"),
    "manifest": (archiving, "_write_manifest"),
    "book": (archives, "book"),
    "clear": (archives, "clear"),
    "mark": (archives, "mark_cleared"),
    "drop": (archiving, "drop_partition"),
    "back": (archives, "put_back"),
    "forget": (archives, "forget"),
}


def die():
    """Here and now."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step):
    """Put the end of this process into a step."""
    name, number, end = (
        step.rstrip("0123456789+"),
        step.strip("+abcdefghijklmnopqrstuvwxyz"),
        step[-1],
    )
    module, attribute = STEPS[name]
    call, left = getattr(module, attribute), [int(number or 1)]

    def deadly(*args):
        left[0] -= 1
        if left[0] == 0 and end != "+":
            die()
        found = call(*args)
        if left[0] == 0:
            die()
        return found

    setattr(module, attribute, deadly)


def main(folder, what, step):
    """Run until the step."""
    folder = Path(folder)
    archives._BATCH = parquet._BATCH = 20
    arm(step)
    database = Database(base_url(folder, "phonehome.db"))
    database.open()
    if what == "archive":
        archiving.archive(database, folder / "archive", 30, print)
    else:
        archiving.restore(database, folder / "archive", [], print)


if __name__ == "__main__":
    main(*sys.argv[1:])
