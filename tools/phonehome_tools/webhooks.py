"""`phonehome admin webhooks`: where events go, and what is sent there again."""

import argparse
import re
import time
from collections.abc import Callable
from typing import Any, Final

from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import SetupError

MakeStep = Callable[..., argparse.ArgumentParser]  # as admin makes each of its own
Tell = Callable[..., None]
GOOD = 0

_SPAN: Final = re.compile(r"([1-9][0-9]{0,4})([mhd])", re.ASCII)
_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NAME: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


class Webhooks:
    """The steps; `make_step` adds one, `tell` prints a row, `when` a moment."""

    def __init__(self, make_step: MakeStep, tell: Tell, when: Callable[[int | None], str]) -> None:
        self._make_step = make_step
        self._tell = tell
        self._when = when

    def add_to(self, things: Any) -> None:
        """The thing, with what can be done."""
        text = "webhooks: where events go, and what is sent there again"
        steps = things.add_parser("webhooks", help=text, description=text)
        steps = steps.add_subparsers(dest="step", metavar="STEP", required=True)
        self._make_step(steps, "list", self._list, "the oldest first")
        text = "send again what it was sent, or should have been, with the same ids"
        again = self._make_step(steps, "replay", self._replay, text)
        again.add_argument("webhook", help="16 hex digits, as `list` has them")
        text = "everything of so long: minutes, hours or days, as in 90m, 12h, 3d"
        again.add_argument("--last", required=True, metavar="TIME", help=text)

    async def _list(self, desk: Desk, args: argparse.Namespace) -> int:
        for row in (await desk.get("/webhooks"))["items"]:
            what = row["audience"] or ",".join(row["events"]) or "every event"
            state = "enabled" if row["enabled"] else f"disabled: {row['disabled_because']}"
            since = f"since {self._when(row['created_at'])}"
            words = [row["webhook"], row["url"], what, since, state, row["label"]]
            self._tell(args, row, *filter(None, words))
        return GOOD

    async def _replay(self, desk: Desk, args: argparse.Namespace) -> int:
        if not _NAME.fullmatch(args.webhook):
            raise SetupError(f"webhook {args.webhook!r}: want 16 hex digits, as `list` has them")
        since_at = int(time.time() * 1000) - read_span(args.last)
        body = {"since_at": max(0, since_at)}
        done = await desk.post(f"/webhooks/{args.webhook}/replay", json=body)
        events = f"{done['events']} event{'' if done['events'] == 1 else 's'}"
        sent = f"sent again: {events} since {self._when(since_at)}"
        self._tell(args, done, args.webhook, sent)
        return GOOD


def read_span(text: str) -> int:
    """Milliseconds of 90m, 12h or 3d; SetupError for anything else."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise SetupError(f"--last {text!r}: want minutes, hours or days, as in 90m, 12h, 3d")
    return int(match[1]) * _UNITS_MS[match[2]]
