"""What an owner pays, in the reader's language: on pages, in letters, on the job sheet."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from phonehome_cloud.core import cldr
from phonehome_cloud.core.deciding.situation import OWNER
from phonehome_cloud.core.visiting.past import Say

from .pricing import PRICED

_ENGLISH: Final = MappingProxyType(
    {
        "free": "It costs you nothing.",
        "warranty": "The warranty pays.",
        "contract": "Your service contract pays.",
        "pays": "You pay {total}.",
        "limit": "You pay at most {total}.",
        "unknown": "You pay the technician's way and work, and the parts that are fitted.",
        "way": "The technician's way: {amount}",
        "work": "Work, {quarters} x 15 minutes at {each}: {amount}",
        "part": "{count} x {title}: {amount}",
        "less": "Of time and parts only what was needed is charged. For anything beyond this you"
        " are asked first.",
        "ask": "What way and work cost cannot be said here. Ask for a call, and you hear it before"
        " you agree.",
        "sheet_free": "The owner pays nothing: the {payer} does.",
        "sheet_limit": "The owner agreed to at most {total}. For more ask them first.",
        "sheet_unknown": "The owner pays way, work and parts. No amount was agreed: tell them what"
        " it costs before you begin.",
        "payer_warranty": "warranty",
        "payer_contract": "service contract",
    }
)
_GERMAN: Final = MappingProxyType(
    {
        "free": "Es kostet Sie nichts.",
        "warranty": "Die Garantie zahlt.",
        "contract": "Ihr Servicevertrag zahlt.",
        "pays": "Sie zahlen {total}.",
        "limit": "Sie zahlen höchstens {total}.",
        "unknown": "Sie zahlen Anfahrt und Arbeit des Technikers und die eingebauten Teile.",
        "way": "Anfahrt des Technikers: {amount}",
        "work": "Arbeit, {quarters} x 15 Minuten zu {each}: {amount}",
        "part": "{count} x {title}: {amount}",
        "less": "Von Zeit und Teilen wird nur berechnet, was nötig war. Für alles darüber hinaus"
        " werden Sie vorher gefragt.",
        "ask": "Was Anfahrt und Arbeit kosten, lässt sich hier nicht sagen. Lassen Sie sich"
        " anrufen, dann erfahren Sie es, bevor Sie zustimmen.",
        "sheet_free": "Der Besitzer zahlt nichts: {payer} zahlt.",
        "sheet_limit": "Der Besitzer hat höchstens {total} zugestimmt. Für mehr vorher fragen.",
        "sheet_unknown": "Der Besitzer zahlt Anfahrt, Arbeit und Teile. Ein Betrag ist nicht"
        " vereinbart: vor Beginn sagen, was es kostet.",
        "payer_warranty": "die Garantie",
        "payer_contract": "der Servicevertrag",
    }
)
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"en": _ENGLISH, "de": _GERMAN})
_LOCALES: Final = MappingProxyType({"en": "en_GB", "de": "de"})


class Told(NamedTuple):
    """What is paid, of what that is made up, and what else there is to know of it, or ""."""

    head: str
    lines: tuple[str, ...]
    foot: str


def tell_owner(terms: Mapping[str, Any], language: str, say: Say = str) -> Told:
    """The terms of an action as its owner reads them; English where we have no other words."""
    language = language if language in WORDS else "en"
    words = WORDS[language]
    if terms["payer"] != OWNER or terms["total"] == 0:
        is_covered = terms["kind"] in PRICED and terms["payer"] != OWNER
        head = [words["free"], *([words[terms["payer"]]] if is_covered else [])]
        return Told(" ".join(head), (), "")
    lines = _lines(terms, language, say)
    if terms["total"] is None:
        return Told(words["unknown"], lines, words["ask"])
    total = say_money(terms["total"], terms["currency"], language)
    if terms["is_limit"]:
        return Told(words["limit"].format(total=total), lines, words["less"])
    return Told(words["pays"].format(total=total), lines, "")


def tell_technician(terms: Mapping[str, Any], language: str, say: Say = str) -> Told:
    """The terms of a visit as the technician reads them."""
    language = language if language in WORDS else "en"
    words = WORDS[language]
    if terms["payer"] != OWNER:
        payer = words["payer_" + terms["payer"]]
        return Told(words["sheet_free"].format(payer=payer), (), "")
    lines = _lines(terms, language, say)
    if terms["total"] is None:
        return Told(words["sheet_unknown"], lines, "")
    total = say_money(terms["total"], terms["currency"], language)
    return Told(words["sheet_limit"].format(total=total), lines, "")


def say_money(amount: int, currency: str, language: str) -> str:
    """An amount of hundredths as people of a language write it."""
    exact = Decimal(amount).scaleb(-2)
    return cldr.money(exact, currency, _LOCALES[language])


def _lines(terms: Mapping[str, Any], language: str, say: Say) -> tuple[str, ...]:
    words = WORDS[language]

    def money(amount: int) -> str:
        return say_money(amount, terms["currency"], language)

    lines = []
    if terms["call_out"] is not None:
        lines.append(words["way"].format(amount=money(terms["call_out"])))
    if terms["quarter_hour"] is not None and terms["quarters"]:
        each, quarters = terms["quarter_hour"], terms["quarters"]
        given = {"quarters": quarters, "each": money(each), "amount": money(each * quarters)}
        lines.append(words["work"].format_map(given))
    for part in terms["parts"]:
        amount = money(part["price"] * part["count"])
        given = {"count": part["count"], "title": say(part["title"]), "amount": amount}
        lines.append(words["part"].format_map(given))
    return tuple(lines)
