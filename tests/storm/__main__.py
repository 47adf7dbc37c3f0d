"""Storms by hand: `python -m tests.storm torture --hours 72 --link http`, or `herd --agents 1000`.

What happens goes to the terminal, the pictures and every event into a folder of their own.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

from tests.storm.drawing import draw_course, draw_herd, print_herd
from tests.storm.herd import HerdPlan, run_herd
from tests.storm.torture import Plan, torment
from tests.storm.verdict import judge

SCHEMES = ("http", "https", "mqtt", "mqtts")


class Progress:
    """One line for each simulated hour."""

    def __init__(self, hours: float) -> None:
        self._hours = hours
        self._told = -1
        self._counts: dict[str, int] = {}

    def watch(self, event: dict) -> None:
        """Count an event; say how far it is when an hour is over."""
        self._counts[event["event"]] = self._counts.get(event["event"], 0) + 1
        hour = event["at_ms"] // 3_600_000
        if hour > self._told:
            self._told = hour
            names = ("record", "sent", "acked", "backoff", "dropped")
            words = " ".join(f"{name} {self._counts.get(name, 0)}" for name in names)
            print(f"{hour:4d} of {self._hours:g} h  {words}", flush=True)


def run_torture(args: argparse.Namespace, folder: Path) -> bool:
    """One agent; all promises."""
    plan = Plan(args.link, args.hours, args.seed, leak=args.leak)
    progress = Progress(args.hours)
    course = asyncio.run(torment(plan, folder, progress.watch))
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in course.events))
    (folder / "storm.svg").write_text(draw_course(course))
    print("mischief:", ", ".join(f"{n} {name}" for name, n in sorted(course.mischief.items())))
    checks = judge(course)
    for check in checks:
        print(f"{'kept  ' if check.is_kept else 'BROKEN'} {check.name:22} {check.figures}")
    return all(check.is_kept for check in checks)


def run_stampede(args: argparse.Namespace, folder: Path) -> bool:
    """A herd; the distribution of its calls."""
    began_at = time.monotonic()

    def note(words: str) -> None:
        print(f"{time.monotonic() - began_at:6.1f} s  {words}", flush=True)

    stampedes = asyncio.run(run_herd(HerdPlan(args.agents, still=args.still), folder, note))
    (folder / "storm.svg").write_text(draw_herd(stampedes))
    for each in stampedes:
        marks = ", ".join(f"{words} at {at:.1f} s" for words, at in each.marks.items())
        is_kept = "kept  " if each.is_bounded else "BROKEN"
        calls = f"{len(each.at_s)} calls, peak {each.peak} in a second (allowed {each.limit:.0f})"
        print(f"{is_kept} {each.name}: {calls} {marks}")
        print("\n".join(print_herd(each)))
    return all(each.is_bounded for each in stampedes)


def main() -> int:
    """Run what the command line asks for; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="storm", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".phonehome/storm"))
    storms = parser.add_subparsers(required=True, metavar="STORM")
    torture = storms.add_parser("torture", help="one agent on a bad network")
    torture.add_argument("--link", choices=SCHEMES, default="http")
    torture.add_argument("--hours", type=float, default=2, help="of the agent's time")
    torture.add_argument("--seed", type=int, default=1)
    torture.add_argument("--leak", type=int, default=0, help="bytes lost with every report")
    torture.set_defaults(run=run_torture)
    herd = storms.add_parser("herd", help="many agents that lose their receiver")
    herd.add_argument("--agents", type=int, default=1000)
    herd.add_argument("--still", action="store_true", help="no randomness: the control")
    herd.set_defaults(run=run_stampede)
    args = parser.parse_args()
    folder = args.folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    folder.mkdir(parents=True)
    is_kept = args.run(args, folder)
    print(f"pictures and files: {folder}")
    return 0 if is_kept else 1


sys.exit(main())
