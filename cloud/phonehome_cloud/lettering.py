"""Letters from templates: a subject, plain text and HTML for each language, under `letters/`.

`letters/<language>/<template>.{subject,txt,html}` extend `letter.txt` and `letter.html` of their
language and fill the block `body`; `letters/samples/<template>.json` holds data to look at them
with. A template sees what its effect carries, and the names of `Reader` and `House`.
"""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from .core import cldr
from .core.acting.price_words import Told, tell_owner
from .core.telling.composing import Letter
from .core.telling.effect import DIGEST
from .core.telling.timing import find_zone
from .errors import NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from jinja2.runtime import Context

_FOLDER: Final = Path(__file__).with_name("letters")
_SAMPLES: Final = "samples"
_WIDTH: Final = 72  # RFC 5322 2.1.1 wants 78; quoted twice it still fits
_ITEM: Final = re.compile(r" *(?:[*-]|\d+\.) ")
_SIGNATURE: Final = "-- "
_PRODUCTS: Final = frozenset({"appliance", "product"})  # what holds the name of a product file


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a letter is for."""

    name: str
    language: str
    zone: str
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class House:
    """Who writes: `sender` is the name below the letter, `url` where its pages are.

    `titles` are what people call products; `words` are, by language, what product files say for
    their own titles and advice.
    """

    sender: str
    url: str
    reply_to: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Letters:
    """The templates of a folder, compiled once."""

    def __init__(self, house: House, default: str = "en", folder: Path = _FOLDER) -> None:
        self.house = house
        self.default = default
        self._folder = folder
        names = (path.name for path in folder.iterdir() if path.is_dir())
        self.languages = tuple(sorted(name for name in names if name != _SAMPLES))
        self._environments: dict[str, Environment] = {}  # by language, when one is written in

    @property
    def templates(self) -> tuple[str, ...]:
        """Every letter that can be written, by name."""
        found = (self._folder / self.default).glob("*.subject")
        return tuple(sorted(path.stem for path in found))

    def sample(self, template: str) -> dict[str, Any]:
        """Data to look at a letter with; NotFoundError when there is no such letter."""
        path = self._folder / _SAMPLES / f"{template}.json"
        if template not in self.templates or not path.exists():
            raise NotFoundError(
                f"there is no letter {template!r}: it is one of {', '.join(self.templates)}"
            )
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return found

    def write(self, template: str, data: Mapping[str, Any], reader: Reader) -> Letter:
        """The letter in the reader's language, or in the one of the house.

        Raises jinja2.TemplateError when there is no such template or a variable is missing.
        """
        language = reader.language.partition("-")[0].lower()
        language = language if language in self.languages else self.default
        known = self._known(language, reader)
        data = self._say(data, self.house.words.get(language, {}))
        if template == DIGEST:
            data = {"notices": self._notices(language, data["notices"], known)}
        subject = self._subject(language, template, {**data, **known})
        known = {**data, **known, "subject": subject}
        text = self._get(language, template, "txt").render(known)
        html = self._get(language, template, "html").render(known)
        return Letter(subject, wrap(text), html, language)

    def _say(self, data: Any, words: Mapping[str, str]) -> Any:
        """What an effect carries, with each title and advice in the reader's language."""
        if isinstance(data, str):
            return words.get(data, data)
        if isinstance(data, Mapping):
            return {name: self._say(self._named(name, one), words) for name, one in data.items()}
        if isinstance(data, list | tuple):
            return [self._say(value, words) for value in data]
        return data

    def _named(self, name: str, value: Any) -> Any:
        """A product by what people call it."""
        return self.house.titles.get(value, value) if name in _PRODUCTS else value

    def _known(self, language: str, reader: Reader) -> dict[str, Any]:
        return {
            "name": reader.name,
            "zone": reader.zone,
            "unsubscribe": reader.unsubscribe,
            "language": language,
            "sender": self.house.sender,
            "reply_to": self.house.reply_to,
        }

    def _notices(
        self, language: str, notices: Sequence[Mapping[str, Any]], known: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """The bodies of several letters, to stand in one."""
        found = []
        for notice in notices:
            template, data = notice["template"], {**notice["data"], **known}
            subject = self._subject(language, template, data)
            data |= {"subject": subject}
            text = _body(self._get(language, template, "txt"), data).strip()
            text = text[:1].upper() + text[1:]  # no salutation is before it
            html = Markup(_body(self._get(language, template, "html"), data))  # noqa: S704 - rendered with escapes
            found.append({"subject": subject, "text": text, "html": html})
        return found

    def _subject(self, language: str, template: str, data: Mapping[str, Any]) -> str:
        return " ".join(self._get(language, template, "subject").render(data).split())

    def _get(self, language: str, template: str, part: str) -> "Template":
        if language not in self._environments:
            self._environments[language] = self._environment(language)
        return self._environments[language].get_template(f"{template}.{part}")

    def _environment(self, language: str) -> "Environment":
        # Jinja2: escapes what devices and people wrote, by default. Loaded with the first letter
        # or page: 2 MiB, and a receiver that only takes reports in never needs them.
        import jinja2  # noqa: PLC0415

        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([self._folder / language, self._folder]),
            autoescape=jinja2.select_autoescape(("html",), default=False),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters |= {
            "url": self._address,
            "moment": jinja2.pass_context(_moment),
            "day": jinja2.pass_context(_day),
            "clock": jinja2.pass_context(_clock),
            "money": jinja2.pass_context(_money),
            "price": jinja2.pass_context(_price),
        }
        return environment

    def _address(self, path: str) -> str:
        """A page of ours as a reader can open it."""
        return path if "://" in path else self.house.url.rstrip("/") + path


def _body(template: "Template", data: Mapping[str, Any]) -> str:
    return "".join(template.blocks["body"](template.new_context(dict(data))))


def _local(context: "Context", at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, find_zone(context["zone"]))


def _locale(context: "Context") -> str:
    """English as most of those write it who read it and no other language of ours."""
    language = str(context["language"])
    return "en_GB" if language == "en" else language


def _moment(context: "Context", at_ms: int) -> str:
    """A moment by the reader's clock, to the minute, with its weekday."""
    return f"{_day(context, at_ms)}, {_clock(context, at_ms)}"


def _day(context: "Context", at_ms: int) -> str:
    """The day of a moment by the reader's clock, with its weekday."""
    return cldr.full_day(_local(context, at_ms), _locale(context))


def _clock(context: "Context", at_ms: int) -> str:
    """The time of day of a moment by the reader's clock."""
    return f"{_local(context, at_ms):%H:%M}"


def _money(context: "Context", amount: float, currency: str) -> str:
    """An amount of money."""
    return cldr.money(amount, currency, _locale(context))


def _price(context: "Context", terms: Mapping[str, Any]) -> Told:
    """What an owner pays for an action; the titles of its parts are in their language already."""
    return tell_owner(terms, str(context["language"]))


def wrap(text: str) -> str:
    """Plain text in lines of 72; a word that is longer, an address of a page, stays whole."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        blank_is_full = not line.strip() and (not lines or not lines[-1])
        if blank_is_full:
            continue
        words = line if line == _SIGNATURE else line.rstrip()
        indent = " " * (len(words) - len(words.lstrip()))
        item = _ITEM.match(words)
        hanging = " " * len(item[0]) if item else indent
        lines += _wrap_line(words, hanging) if len(words) > _WIDTH else [words]
    return "\n".join(lines) + "\n"


def _wrap_line(line: str, hanging: str) -> list[str]:
    return textwrap.wrap(
        line,
        _WIDTH,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )
