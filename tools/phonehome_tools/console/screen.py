"""The terminal of a person: history, completion, charts above what is typed.

prompt_toolkit is what the field's Python consoles are made with: it keeps a line that is being
typed whole while a board prints, follows the size of the window, and knows terminals.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.completion import NestedCompleter
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from phonehome_tools.cable.errors import GOOD, CableError, complain
from phonehome_tools.console.charts import Charts
from phonehome_tools.console.keeping import Keeping
from phonehome_tools.console.stream import PROMPT, Said
from phonehome_tools.console.talk import ANSWER_S, Talk, maybe_answer

_WATCH: Final = ["sensors", "watch"]
_JSON: Final = "--json"
_REFRESH_S: Final = 0.5
_LEAST_ROWS: Final = 4  # that charts leave to what is typed and answered


def converse(talk: Talk) -> int:
    """Talk until Ctrl-D; an exit code."""
    talk.greet()
    words = make_words(talk)
    print("Tab completes, Ctrl-D leaves, help lists the commands.")
    screen = Screen(talk, words, open_history())
    with suppress(EOFError):
        return asyncio.run(screen.run())
    return GOOD


def make_words(talk: Talk) -> dict[str, Any]:
    """What may be typed behind what, from the board's own answers."""
    codes = dict.fromkeys([row["code"] for row in talk.ask("faults all").get("faults", [])])
    names = dict.fromkeys([row["name"] for row in talk.ask("sensors").get("sensors", [])])
    commands = [row["name"] for row in talk.ask("help").get("commands", [])]
    words: dict[str, Any] = {name: {_JSON: None} for name in commands}
    second = {
        "faults": {"all": None, **codes},
        "freeze": codes,
        "clear": {"all": None, **codes},
        "shelve": codes,
        "sensors": {"watch": names, **names},
        "test": {
            **dict.fromkeys(("crash", "hang", "oom")),
            "fault": codes,
            "sensor": names,
        },
        "log": dict.fromkeys(("debug", "info", "warning", "error", "critical")),
        "help": dict.fromkeys(commands),
    }
    return {name: {**words[name], **second.get(name, {})} for name in words}


def open_history() -> History:
    """What was typed in earlier talks; in memory where the file cannot be had."""
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    path = Path(state).expanduser() / "phonehome" / "console.history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class Screen:
    """One talk on a terminal."""

    def __init__(self, talk: Talk, words: dict[str, Any], history: History) -> None:
        self._talk = talk
        self._keeping = Keeping()
        self._charts: Charts | None = None
        self._ends: asyncio.Queue[str] = asyncio.Queue()
        self._lines: PromptSession[str] = PromptSession(
            history=history,
            completer=NestedCompleter.from_nested_dict(words),
            complete_while_typing=False,
            refresh_interval=_REFRESH_S,
        )
        self._pins: PromptSession[str] = PromptSession(is_password=True)

    async def run(self) -> int:
        """Type lines and print answers until Ctrl-D, or the board goes away.

        The terminal is raw all the time: what is typed while a board answers is the next line.
        """
        with self._lines.input.raw_mode(), patch_stdout():
            tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._type())}
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return _end_of(*[error for task in done if (error := task.exception()) is not None])

    async def _type(self) -> None:
        """One line after the other; EOFError at Ctrl-D."""
        while True:
            try:
                text = (await self._lines.prompt_async(self._prompt)).strip()
            except KeyboardInterrupt:
                text = ""  # what was typed is given up, what goes on ends
            except EOFError:
                await self._end_charts()
                self._talk.leave()
                raise
            await self._end_charts()
            if text:
                await self._carry_out(text)

    async def _carry_out(self, text: str) -> None:
        if text.split()[:2] == _WATCH and _JSON not in text.split():
            self._charts = Charts()
            self._talk.type(f"{text} {_JSON}")
            return
        self._talk.type(text)
        while await self._end_of_answer() == "pin":
            try:
                pin = await self._pins.prompt_async("PIN: ")
            except (KeyboardInterrupt, EOFError):
                pin = ""
            self._talk.type(pin, is_hidden=True)

    async def _end_charts(self) -> None:
        if self._charts is not None:
            self._charts = None
            self._talk.hit_key()
            await self._end_of_answer()

    async def _end_of_answer(self) -> str:
        """Wait for the board's prompt or its question for the PIN."""
        try:
            return await asyncio.wait_for(self._ends.get(), ANSWER_S)
        except TimeoutError:
            print("no answer yet; the board may be busy")
            return "prompt"

    async def _read(self) -> None:
        """Print what comes in; GoneError when the board does."""
        while True:
            for said in await asyncio.to_thread(self._talk.hear):
                self._take(said)

    def _take(self, said: Said) -> None:
        if said.kind == "repl":
            print("the board is at its Python prompt now: 'phonehome reset' starts it again")
        elif said.kind != "line":
            self._ends.put_nowait(said.kind)
        elif self._charts is not None and (answer := maybe_answer(said)) is not None:
            self._take_sample(answer)
        else:
            print(said.text)
            if (word := self._keeping.take(said.text)) is not None:
                print(word)

    def _take_sample(self, answer: dict[str, Any]) -> None:
        if "error" in answer:
            self._charts = None
            print(f"error: {answer['error']}")
        elif self._charts is not None:
            self._charts.take(answer)

    def _prompt(self) -> str:
        """The charts, and below them the prompt: any terminal can show that."""
        if self._charts is None:
            return PROMPT
        size = get_app().output.get_size()
        lines = self._charts.lines(size.columns - 1, max(1, size.rows - _LEAST_ROWS))
        return "\n".join([*lines, PROMPT])


def _end_of(*errors: BaseException) -> int:
    """The exit code of a talk by what ended it: Ctrl-D, or the board."""
    for error in errors:
        if isinstance(error, CableError):
            return complain("console", error)
        if not isinstance(error, EOFError):
            raise error
    return GOOD
