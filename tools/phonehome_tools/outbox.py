"""`phonehome admin effects` and `letter`: what leaves a receiver, and how it will look."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from phonehome_tools.fleet.desk import Desk
from phonehome_tools.fleet.errors import DeskError, SetupError

MakeStep = Callable[..., argparse.ArgumentParser]  # as admin makes each of its own
Tell = Callable[..., None]
GOOD, REFUSED = 0, 3
_CONFLICT = 409


class Outbox:
    """The steps; `make_step` adds one, `tell` prints a row, `when` a moment."""

    def __init__(self, make_step: MakeStep, tell: Tell, when: Callable[[int | None], str]) -> None:
        self._make_step = make_step
        self._tell = tell
        self._when = when

    def add_to(self, things: Any) -> None:
        """The two things, each with what can be done."""
        text = "letters and webhooks: what leaves, and what was given up"
        steps = things.add_parser("effects", help=text, description=text)
        steps = steps.add_subparsers(dest="step", metavar="STEP", required=True)
        found = self._make_step(steps, "list", self._list, "newest first")
        found.add_argument("--state", help="waiting, sent, dead, merged or cancelled")
        found.add_argument("--to", help="only to these, as in owner:ID, hook:ID, desk")
        self._make_step(steps, "show", self._show, "one, and how each try went").add_argument(
            "key"
        )
        again = self._make_step(steps, "retry", self._retry, "send dead ones again")
        which = again.add_mutually_exclusive_group(required=True)
        which.add_argument("key", nargs="?", help="this one; a webhook that was sent, too")
        which.add_argument("--all", action="store_true", help="every dead one")
        back = self._make_step(steps, "cancel", self._cancel, "take back what is not begun")
        back.add_argument("key")
        back.add_argument("--reason", required=True, help="why, for who looks at it later")
        seen = self._make_step(things, "letter", self._letter, "look at a letter; none is sent")
        seen.add_argument("name", nargs="?", help="which; without it, all names")
        seen.add_argument("--language", help="two letters, as in de")
        seen.add_argument("--html", action="store_true", help="its HTML, for a browser")

    async def _list(self, desk: Desk, args: argparse.Namespace) -> int:
        wanted = {name: value for name in ("state", "to") if (value := getattr(args, name))}
        async for row in desk.items("/effects", **wanted):
            self._line(args, row)
        return GOOD

    def _line(self, args: argparse.Namespace, row: dict[str, Any]) -> None:
        words = [self._when(row["created_at"]), row["key"], row["kind"], row["to"]]
        words += [row["template"], row["state"]]
        if row["state"] == "waiting":
            words.append(f"due {self._when(row['due_at'])}")
        self._tell(args, row, *words, *filter(None, [row["failure"]]))

    async def _show(self, desk: Desk, args: argparse.Namespace) -> int:
        print(json.dumps(await desk.get(f"/effects/{args.key}"), indent=1, ensure_ascii=False))
        return GOOD

    async def _retry(self, desk: Desk, args: argparse.Namespace) -> int:
        if not args.all:
            self._line(args, await desk.post(f"/effects/{args.key}/retry"))
            return GOOD
        ended = GOOD
        for key in [row["key"] async for row in desk.items("/effects", state="dead")]:
            try:
                self._line(args, await desk.post(f"/effects/{key}/retry"))
            except DeskError as error:
                if error.status != _CONFLICT:
                    raise
                print(error, file=sys.stderr)  # one that cannot be sent holds up no other
                ended = REFUSED
        return ended

    async def _cancel(self, desk: Desk, args: argparse.Namespace) -> int:
        body = {"reason": args.reason}
        self._line(args, await desk.post(f"/effects/{args.key}/cancel", json=body))
        return GOOD

    async def _letter(self, desk: Desk, args: argparse.Namespace) -> int:
        if args.name is None:
            for row in (await desk.get("/letters"))["items"]:
                self._tell(args, row, row["letter"], *row["languages"])
            return GOOD
        if "/" in args.name:
            raise SetupError(f"letter {args.name!r}: want a name as `letter` lists them")
        language = {"language": args.language} if args.language else {}
        found = await desk.get(f"/letters/{args.name}", **language)
        shown = found["html"] if args.html else f"{found['subject']}\n\n{found['text'].rstrip()}"
        self._tell(args, found, shown)
        return GOOD
