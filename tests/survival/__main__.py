"""Kill everything by hand: `python -m tests.survival --reports 1000000 --store postgresql`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, fields
from pathlib import Path

from tests.survival.trial import Plan, Trial, run_trial

TELL_EVERY_S = 10.0


class Teller:
    """Progress, not too often."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._next_s = 0.0

    def __call__(self, words: str) -> None:
        """Say it, if it is time."""
        at_s = time.monotonic() - self._began_s
        if at_s >= self._next_s:
            self._next_s = at_s + TELL_EVERY_S
            print(f"{at_s:7.0f} s  {words}", flush=True)


def tell(trial: Trial) -> None:
    """What happened, and whether the promises were kept."""
    for title, counter in (("reports", trial.counts), ("deaths", trial.deaths)):
        print(f"{title}: " + ", ".join(f"{n} {name}" for name, n in counter.most_common()))
    print("books: " + ", ".join(f"{n} {name}" for name, n in asdict(trial.books).items()))
    print("to the broker: " + ", ".join(f"{n} {name}" for name, n in trial.pubacks.items()))
    print(f"{'kept' if trial.is_kept else 'BROKEN'} after {trial.took_s:.0f} s")


def main() -> int:
    """Run one trial; 1 when a promise was broken."""
    plain = {field.name: field.default for field in fields(Plan)}
    parser = argparse.ArgumentParser(prog="survival", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default=plain["store"])
    for name in ("reports", "receivers", "devices", "pace", "seed"):
        parser.add_argument(f"--{name}", type=int, default=plain[name])
    parser.add_argument("--early", action="store_true", help="the control: it must break")
    plan = Plan(**vars(parser.parse_args()))
    folder = Path(tempfile.mkdtemp(prefix="phonehome-survival-"))
    print(f"in {folder}, which stays there if a promise is broken", flush=True)
    trial = asyncio.run(run_trial(plan, folder, Teller()))
    tell(trial)
    if not trial.is_kept:
        return 1
    shutil.rmtree(folder)
    return 0


sys.exit(main())
