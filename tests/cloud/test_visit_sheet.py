"""The job sheet: everything that it knows, in the technician's language, fit for paper."""

from dataclasses import replace

import pytest
from sqlalchemy import insert, update

from phonehome_cloud.core.acting.pricing import make_terms
from phonehome_cloud.core.caring import RUNNING, ActionRow
from phonehome_cloud.core.tickets import STATES
from phonehome_cloud.core.visiting.past import PastTicket, PastVisit
from phonehome_cloud.core.visiting.sheet import Sheet, SheetPart, write_text
from phonehome_cloud.core.visiting.sheet_words import WORDS
from phonehome_cloud.store import acting, care, looking, visit_answers, visits
from phonehome_cloud.store.people_tables import technician
from phonehome_cloud.store.schema import ticket
from phonehome_cloud.store.visit_sheets import read_sheet
from phonehome_cloud.store.visit_tables import visit
from tests.cloud.remedies import PRODUCT
from tests.cloud.visited import DEVICE, KEY, NOW, case_of, opened

DAY_MS = 86_400_000
GERMAN = {
    "Pump for tests": "Pumpe für Prüfungen",
    "No flow": "Kein Durchfluss",
    "Confused": "Verwirrt",
    "The pump is dead": "Die Pumpe ist tot",
    "Pump": "Die Pumpe",
    "Flow": "Durchfluss",
}
CLOSED = {"is_fixed": True, "cause": "dead", "parts": {"PUMP-1": 1}, "minutes": 40}
LONG = "Das Ventil hinter der Blende klemmt, " * 4


def closing(**given):
    """What a technician said of a visit."""
    return {**CLOSED, "text": "", "nobody_home": False, **given}


def sheet_of(**given):
    """A sheet with everything on it."""
    about = {
        "visit": "a4cf12fffe05d3b1-1:0",
        "technician": "Mia",
        "start_at": NOW,
        "end_at": NOW + 3_600_000,
        "zone": "Europe/Berlin",
        "appliance": "Pump for tests",
        "serial": "S1",
        "fault": "No flow",
        "code": "P1",
        "owner": "Ada Lovelace",
        "phone": "+49 30 1",
        "address": "Lange Straße 5\n10115 Berlin",
        "skills": ["pump"],
        "parts": [SheetPart("PUMP-1", "Pump", 1, 0, 1)],
        "causes": [("The pump is dead", 0.8)],
        "history": [],
        "terms": make_terms("visit", "warranty"),
        "words": {"de": GERMAN},
    }
    return Sheet(**about | given)


def past(count, text=""):
    """So many visits, the newest first."""
    said = closing(text=text)
    causes = {"dead": "The pump is dead"}
    return [PastVisit(NOW - n * DAY_MS, said, causes) for n in range(count)]


def history_of(text, heading):
    """The lines of the history."""
    return text.split(f"{heading}:\n")[1].splitlines()


def test_paper_speaks_the_technicians_language():
    """Words, titles of the product file, states and moments: nothing is left in English."""
    tickets = [PastTicket(NOW - DAY_MS, "Confused", "resolved")]
    frame = {"channels": [{"channel": 0, "exp": 0, "samples": [1, None, 9]}]}
    sheet = sheet_of(history=past(1) + tickets, frame=frame, channels={0: ("Flow", "l/min")})
    said = write_text(sheet, "de")
    for word in (
        "AUFTRAG ",
        "23.03.2026 10:00 - 11:00",
        "Pumpe für Prüfungen, Seriennummer S1",
        "Kein Durchfluss (P1)",
        "80%  Die Pumpe ist tot",
        "1 x PUMP-1 Die Pumpe (Wagen 0, Lager 1)",
        "1 bis 9 l/min  Durchfluss",
        "Der Besitzer zahlt nichts: die Garantie zahlt.",
        "Besuch: Die Pumpe ist tot, repariert; 1 x PUMP-1",
        "22.03.2026 10:00  Verwirrt (behoben)",
    ):
        assert word in said
    english = write_text(sheet, "en")
    assert "Visit: The pump is dead, mended; 1 x PUMP-1" in english
    assert write_text(sheet, "fi") == english
    for word in WORDS["en"].values():
        if word[0].isalpha() and word not in WORDS["de"].values():
            assert f"{word}:" not in said


def test_each_language_has_every_word():
    """The same words, and one for each state of a ticket."""
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["en"])}
    assert set(STATES) <= set(WORDS["en"])


def test_nothing_is_cut():
    """What is longer than a line goes on in the next one, to its last word."""
    long = {"address": "Am " + "sehr " * 30 + "langen Weg", "owner": "x" * 100}
    samples = list(range(100))
    frame = {"channels": [{"channel": 7, "exp": 0, "samples": samples}]}
    text = write_text(sheet_of(history=past(1, LONG + "ENDE"), frame=frame, **long), "de")
    assert max(map(len, text.splitlines())) <= 72
    told = " ".join(text.split())
    assert "langen Weg" in told
    assert 'Das Ventil hinter der Blende klemmt, ENDE"' in told
    assert sum(text.count(bar) for bar in "▁▂▃▄▅▆▇█") == len(samples)
    assert "0 bis 99" in told
    assert text.count("x") >= 100


@pytest.mark.parametrize("older", [0, 7])
@pytest.mark.parametrize("text", ["", LONG])
def test_a_long_history_stays_on_the_page(text, older):
    """The newest first, each whole, and how many more there are: all are accounted for."""
    count = 40
    written = write_text(sheet_of(history=past(count, text), older=older), "en")
    assert len(written.splitlines()) <= 60
    lines = history_of(written, "History")
    shown = [line for line in lines if line.startswith("  2026")]
    assert shown == sorted(shown, reverse=True)
    assert shown[0].startswith("  2026-03-23")
    assert 3 <= len(shown) < count
    assert lines[-1] == f"  and {count - len(shown) + older} older"


def test_a_history_that_fits_says_nothing_of_more():
    """No line about others when there are none; and the newest is there whole, however long."""
    assert "older" not in write_text(sheet_of(history=past(3)), "en")
    assert "History" not in write_text(sheet_of(), "en")
    whole = write_text(sheet_of(history=past(2, LONG * 14)), "en")
    assert " ".join(whole.split()).count("klemmt") == 4 * 14
    assert history_of(whole, "History")[-1] == "  and 1 older"


def test_how_a_visit_ended():
    """Nobody home, nothing found, a cause that the product file lost: each is said."""

    def tell(**given):
        return PastVisit(NOW, closing(**given), {}).tell("de", str)

    nothing = {"is_fixed": False, "cause": None, "parts": {}}
    assert tell(**nothing, nobody_home=True) == "Besuch: niemand zu Hause"
    assert tell(**nothing, text=" eng\n hier ") == (
        'Besuch: keine Ursache gefunden, nicht repariert; "eng hier"'
    )
    assert tell(parts={}) == "Besuch: dead, repariert"


def fill_past(connection, count):
    """A technician who reads German, and tickets of the device from before."""
    connection.execute(update(technician).values(language="de"))
    shared = {"device": DEVICE, "spn": 520193, "fmi": 18, "code": "P2", "title": "Confused"}
    shared |= {"product": PRODUCT.name, "state": "resolved", "severity": 3, "occurrences": 1}
    shared |= {"events": 0, "late": False, "reopened": 0}
    times = ("opened_at", "updated_at", "event_at", "last_event_at", "ended_at")
    rows = [
        {**shared, "number": 9 + n, **dict.fromkeys(times, NOW - n * DAY_MS)} for n in range(count)
    ]
    connection.execute(insert(ticket), rows)


def begin(connection):
    """A visit of a product with German words, of an appliance that was visited before."""
    looking.look(connection, DEVICE, 1, NOW)
    product = replace(PRODUCT, words={"de": GERMAN})
    row = ActionRow(DEVICE, 1, 0, "visit", "swap_pump", RUNNING, "rule", "warranty", NOW)
    care.save_actions(connection, [row], ())
    case = replace(case_of(connection), product=product)
    acting.STARTS["visit"](connection, row, case, NOW)
    connection.execute(update(visit).values(closing=closing(text="Flap is tight")))
    return visits.expect(connection, KEY)


@pytest.mark.usefixtures("each_database")
def test_the_attached_sheet_is_told_from_the_store(tmp_path):
    """Visits and tickets of before, newest first, with what the next one should know; the count of
    those that are left out is that of the tables.
    """
    with opened(tmp_path) as database:
        database.write_now(fill_past, 30)
        database.write_now(begin)
        of = database.write_now(visit_answers.confirm, KEY, "owner", NOW + 1)
        sheet = database.read_now(read_sheet, of, NOW)
        assert (len(sheet.history), sheet.older) == (12, 31 - 12)
        text = write_text(sheet, "de")
    lines = history_of(text, "Vorgeschichte")
    assert "Besuch: Die Pumpe ist tot, repariert; 1 x PUMP-1" in lines[0] + lines[1]
    assert '"Flap is tight"' in " ".join(lines[:2])
    assert lines[-1] == "  und 19 ältere"
    assert sum("Verwirrt (behoben)" in line for line in lines) == 11
