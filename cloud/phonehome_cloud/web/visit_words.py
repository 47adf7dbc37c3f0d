"""The words of the pages about visits, in the languages that they speak."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from aiohttp import web

from phonehome_cloud.core import cldr

DEFAULT: Final = "en"
WORDS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "title": "A technician's visit",
            "because": "because of",
            "proposed": "When may we come?",
            "held": "We keep the first time for you until you choose.",
            "booked": "A technician comes on",
            "closed": "The visit is over.",
            "declined": "You declined the visit. Nobody comes.",
            "cancelled": "The visit is off. Nobody comes.",
            "choose": "Choose this time",
            "times": "Free times",
            "change": "Another time",
            "none": "No other time is free at the moment.",
            "others": "Show other times",
            "own": "Or ask for a time of your own",
            "ask": "Ask for it",
            "no_own": "Nobody is free at that time. Please choose one of these, or ask again.",
            "decline": "I want no visit",
            "taken": "This time is not to be had any more. Please choose another one.",
            "until": "until about",
            "home": "Somebody should be at home then.",
            "gone": "This link is not valid any more.",
            "gone_why": "It has expired, or the visit is somebody else's matter now. The newest"
            " letter has a newer link.",
            "zone": "Times are those of",
            "next": "What happens next",
            "next_ended": "Nothing more: the matter is closed.",
            "next_undecided": "We work out what else can be done, and write to you. That mostly"
            " takes minutes.",
            "next_asked": "We have another proposal. The page of your appliance asks you whether"
            " you agree.",
            "next_person": "One of our people has your case, and will contact you.",
            "next_under_way": "Something else is being done: see the page of your appliance.",
            "see_next": "To the page of your appliance",
        },
        "de": {
            "title": "Besuch eines Technikers",
            "because": "wegen",
            "proposed": "Wann dürfen wir kommen?",
            "held": "Den ersten Termin halten wir für Sie frei, bis Sie wählen.",
            "booked": "Ein Techniker kommt am",
            "closed": "Der Besuch ist vorbei.",
            "declined": "Sie haben den Besuch abgelehnt. Es kommt niemand.",
            "cancelled": "Der Besuch entfällt. Es kommt niemand.",
            "choose": "Diesen Termin wählen",
            "times": "Freie Termine",
            "change": "Ein anderer Termin",
            "none": "Zurzeit ist kein anderer Termin frei.",
            "others": "Andere Termine zeigen",
            "own": "Oder fragen Sie nach einem eigenen Termin",
            "ask": "Anfragen",
            "no_own": "Zu dieser Zeit ist niemand frei. Bitte wählen Sie einen von diesen, oder"
            " fragen Sie noch einmal.",
            "decline": "Ich möchte keinen Besuch",
            "taken": "Dieser Termin ist nicht mehr zu haben. Bitte wählen Sie einen anderen.",
            "until": "bis etwa",
            "home": "Dann sollte jemand zu Hause sein.",
            "gone": "Dieser Link gilt nicht mehr.",
            "gone_why": "Er ist abgelaufen, oder der Besuch ist nicht mehr Ihre Sache. Im neuesten"
            " Brief steht ein neuerer Link.",
            "zone": "Alle Zeiten sind die von",
            "next": "Wie es weitergeht",
            "next_ended": "Es geschieht nichts mehr: die Sache ist abgeschlossen.",
            "next_undecided": "Wir überlegen, was sonst helfen kann, und schreiben Ihnen. Das"
            " dauert meist nur Minuten.",
            "next_asked": "Wir haben einen anderen Vorschlag. Die Seite Ihres Geräts fragt Sie, ob"
            " Sie zustimmen.",
            "next_person": "Jemand von uns hat Ihren Fall und meldet sich bei Ihnen.",
            "next_under_way": "Es geschieht etwas anderes. Was, sagt die Seite Ihres Geräts.",
            "see_next": "Zur Seite Ihres Geräts",
        },
    }
)


def choose_language(request: web.Request) -> str:
    """The first language of the browser that we speak, else English."""
    for wish in request.headers.get("Accept-Language", "").split(","):
        language = wish.partition(";")[0].strip()[:2].lower()
        if language in WORDS:
            return language
    return DEFAULT


def known_language(language: str) -> str:
    """A language that pages are written in: the one of that name, else English."""
    return language if language in WORDS else DEFAULT


def moment(at: int, zone: str, language: str) -> str:
    """A moment with its day of the week, on the clock of `zone`."""
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    return cldr.moment(there, _PATTERNS[language], language)


def clock(at: int, zone: str) -> str:
    """What a clock in `zone` shows at a moment."""
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    return f"{there:%H:%M}"


_PATTERNS: Final = {"en": "EEEE, d MMMM y, HH:mm", "de": "EEEE, d. MMMM y, HH:mm"}
