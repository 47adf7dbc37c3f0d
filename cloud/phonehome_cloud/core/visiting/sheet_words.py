"""The words of the job sheet, on the page and on paper, in the languages that it speaks."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ENGLISH: Final = MappingProxyType(
    {
        "job": "JOB",
        "technician": "Technician",
        "serial": "serial",
        "unknown_serial": "unknown",
        "causes": "Likely causes",
        "skills": "Skills",
        "parts": "Parts",
        "van": "van",
        "depot": "depot",
        "before": "Before the fault",
        "before_paper": "Before the fault, each channel from its least to its greatest",
        "channel": "channel",
        "no_samples": "no samples",
        "to": "to",
        "history": "History",
        "more": "and {count} older",
        "visit": "Visit",
        "fixed": "mended",
        "not_fixed": "not mended",
        "nobody_home": "nobody was home",
        "no_cause": "no cause found",
        "open": "open",
        "acknowledged": "acknowledged",
        "in_progress": "in progress",
        "resolved": "resolved",
        "closed": "closed",
        "moment": "%Y-%m-%d %H:%M",
    }
)
_GERMAN: Final = MappingProxyType(
    {
        "job": "AUFTRAG",
        "technician": "Techniker",
        "serial": "Seriennummer",
        "unknown_serial": "unbekannt",
        "causes": "Wahrscheinliche Ursachen",
        "skills": "Fähigkeiten",
        "parts": "Teile",
        "van": "Wagen",
        "depot": "Lager",
        "before": "Vor dem Fehler",
        "before_paper": "Vor dem Fehler, jeder Kanal von seinem kleinsten zum größten Wert",
        "channel": "Kanal",
        "no_samples": "keine Messwerte",
        "to": "bis",
        "history": "Vorgeschichte",
        "more": "und {count} ältere",
        "visit": "Besuch",
        "fixed": "repariert",
        "not_fixed": "nicht repariert",
        "nobody_home": "niemand zu Hause",
        "no_cause": "keine Ursache gefunden",
        "open": "offen",
        "acknowledged": "gesehen",
        "in_progress": "in Arbeit",
        "resolved": "behoben",
        "closed": "abgeschlossen",
        "moment": "%d.%m.%Y %H:%M",
    }
)
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})


def words_of(language: str) -> Mapping[str, str]:
    """The words in a language, or in English where there are none in that."""
    return WORDS.get(language, _ENGLISH)
