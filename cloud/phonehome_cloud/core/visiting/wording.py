"""The words of calendar entries, in the reader's language."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_ENGLISH: Final = MappingProxyType(
    {
        "summary": "Repair: {appliance}",
        "job": "{appliance}: {fault}",
        "why": "A technician comes because of: {fault} ({code}).",
        "answer": "Accept to keep this time, decline if it does not suit you, or propose another"
        " one; the letter has a link to other times.",
        "sheet": "{fault} ({code}). The job sheet is attached to the letter.",
    }
)
_GERMAN: Final = MappingProxyType(
    {
        "summary": "Reparatur: {appliance}",
        "job": "{appliance}: {fault}",
        "why": "Es kommt ein Techniker wegen: {fault} ({code}).",
        "answer": "Nehmen Sie an, wenn der Termin passt, lehnen Sie ab, wenn nicht, oder schlagen"
        " Sie einen anderen vor; im Brief steht ein Link zu anderen Terminen.",
        "sheet": "{fault} ({code}). Der Auftrag liegt dem Brief bei.",
    }
)
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})


def say(language: str, name: str, about: Mapping[str, Any]) -> str:
    """A text in a language, or in English where there is none in that."""
    return WORDS.get(language, _ENGLISH)[name].format_map(tell(language, about))


def tell(language: str, about: Mapping[str, Any]) -> dict[str, str]:
    """What a visit is about (visit.about) in a language: appliance, fault and code."""
    return {name: translate(language, about[name], about) for name in _ABOUT}


def translate(language: str, title: str, about: Mapping[str, Any]) -> str:
    """A title of the product file in a language, where it has words in that."""
    return str(about.get("words", {}).get(language, {}).get(title, title))


_ABOUT: Final = ("appliance", "fault", "code")
