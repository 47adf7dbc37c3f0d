"""What an owner pays: an amount before they agree, and the same one wherever it is said again."""

from decimal import Decimal

import pytest
from sqlalchemy import update

from phonehome_cloud.core.acting import price_words
from phonehome_cloud.core.acting.part_orders import Line
from phonehome_cloud.core.acting.price_words import say_money, tell_owner, tell_technician
from phonehome_cloud.core.acting.pricing import (
    Tariff,
    agreed_payer,
    cents,
    make_terms,
    say_terms,
    settle,
    tariff_of,
)
from phonehome_cloud.core.caring import ActionKey
from phonehome_cloud.core.visiting.sheet import write_text
from phonehome_cloud.store import care, visit_sheets, visits
from phonehome_cloud.store.acting_tables import part_order
from phonehome_cloud.store.people_tables import part
from tests.cloud.household import DAY, DEAD, TORN, Household
from tests.cloud.remedies import PRODUCT

TARIFF = Tariff(5900, 2250)
PUMPS = (Line("PUMP-1", "Pump", 2, 1999),)


def visit(payer="owner", minutes=40, tariff=TARIFF, lines=PUMPS):
    """The terms of a visit."""
    return make_terms("visit", payer, lines, "EUR", minutes, tariff)


@pytest.mark.parametrize(("minutes", "quarters"), [(1, 1), (15, 1), (16, 2), (40, 3), (960, 64)])
def test_each_quarter_that_is_begun_is_paid(minutes, quarters):
    """The way, every quarter of an hour that the visit is planned to begin, and all its parts."""
    terms = visit(minutes=minutes)
    assert terms["quarters"] == quarters
    assert terms["total"] == terms["owner_pays"] == 5900 + quarters * 2250 + 2 * 1999
    assert all(type(v) is int for k, v in terms.items() if k in {"total", "call_out", "quarters"})


def test_amounts_of_a_product_file_are_exact():
    """In hundredths, rounded as people round; no float is between."""
    assert [cents(Decimal(text)) for text in ("0", "22.5", "0.29", "4.35")] == [0, 2250, 29, 435]
    assert tariff_of(PRODUCT) == TARIFF
    assert tariff_of(None) is None


def test_the_owner_reads_a_limit_and_of_what_it_is_made():
    """At most, with way, work and parts; the parts of the sum make the sum."""
    told = tell_owner(visit(), "en")
    assert told.head == "You pay at most €166.48."
    assert told.lines == (
        "The technician's way: €59.00",
        "Work, 3 x 15 minutes at €22.50: €67.50",
        "2 x Pump: €39.98",
    )
    assert "asked first" in told.foot
    german = tell_owner(visit(), "de", {"Pump": "Pumpe"}.get)
    assert german.head == "Sie zahlen höchstens 166,48\xa0€."
    assert german.lines[2] == "2 x Pumpe: 39,98\xa0€"


def test_without_a_tariff_what_is_known_is_said():
    """The parts have a price; of way and work it is said that nobody can tell here."""
    terms = visit(tariff=None)
    assert (terms["total"], terms["owner_pays"]) == (None, None)
    told = tell_owner(terms, "en")
    assert told.head.startswith("You pay the technician's way and work")
    assert told.lines == ("2 x Pump: €39.98",)
    assert "before you agree" in told.foot
    assert say_terms({"terms": terms}) == {"owner_pays": "parts, way and work"}
    assert "No amount was agreed" in tell_technician(terms, "en").head


@pytest.mark.parametrize(("payer", "who"), [("warranty", "The warranty"), ("contract", "Your")])
def test_what_others_pay_costs_the_owner_nothing(payer, who):
    """With or without a tariff, and no amount is shown."""
    for terms in (visit(payer), visit(payer, tariff=None)):
        told = tell_owner(terms, "en")
        assert told.head.startswith(f"It costs you nothing. {who}")
        assert (told.lines, told.foot) == ((), "")
        assert terms["owner_pays"] == 0
        assert say_terms({"terms": terms}) == {"owner_pays": "0.00 EUR"}
        assert "pays nothing" in tell_technician(terms, "en").head


def test_what_costs_nothing_is_free_for_everybody():
    """Steps and commands have no price; a part has its own, exactly."""
    assert tell_owner(make_terms("remote_fix", "owner"), "en").head == "It costs you nothing."
    told = tell_owner(make_terms("part", "owner", PUMPS), "en")
    assert told.head == "You pay €39.98."
    assert told.foot == ""


def test_what_was_agreed_gets_no_dearer():
    """A warranty that ends after the word was given still pays; a new contract pays, too."""
    assert agreed_payer(visit("warranty"), "owner") == "warranty"
    assert agreed_payer(visit("owner"), "contract") == "contract"
    assert agreed_payer(None, "owner") == "owner"
    assert settle(visit("owner"), "contract")["owner_pays"] == 0


def test_every_language_has_every_word():
    """With the same places for amounts in it; a language that is not ours reads English."""
    english, german = price_words.WORDS["en"], price_words.WORDS["de"]
    assert english.keys() == german.keys()
    assert [t.count("{") for t in english.values()] == [t.count("{") for t in german.values()]
    assert tell_owner(visit(), "fr") == tell_owner(visit(), "en")
    assert say_money(5, "CHF", "de") == "0,05\xa0CHF"


@pytest.fixture
async def home(tmp_path, each_database):
    """A receiver with pumps that care for themselves."""
    made = Household(tmp_path)
    yield made
    made.close()


async def reprice(home, amount):
    """Parts cost something else now."""
    await home.do(lambda c: c.execute(update(part).values(price_cents=amount)))


async def agree(home):
    """The owner agrees to the only action, and it begins."""
    (row,) = await home.actions()
    await home.do(care.agree, ActionKey(row.device, row.ticket, row.n), "owner", home.clock())
    await home.care()
    (row,) = await home.actions()
    assert row.state == "running"
    return row


async def test_the_amount_that_was_agreed_is_said_everywhere(home):
    """Consent, history, proposal, job sheet: one amount, although the books changed meanwhile."""
    await home.technician()
    await home.stock("PUMP-1")
    await home.says(await home.pump(consents=()), turns=DEAD)
    await home.care()
    (asked,) = [one for one in await home.letters() if one.template == "consent"]
    total = asked.data["terms"]["owner_pays"]
    assert total == 5900 + 3 * 2250 + 1000
    await reprice(home, 5000)
    row = await agree(home)
    assert row.detail["terms"] == asked.data["terms"]
    (proposed,) = [one for one in await home.letters() if one.template == "visit_proposed"]
    assert proposed.data["terms"] == asked.data["terms"]
    told = [one.evidence for one in await home.history("action") if one.to_state]
    assert [one["owner_pays_at_most"] for one in told] == ["136.50 EUR"] * 3
    key = ActionKey(row.device, row.ticket, row.n)
    sheet = await home.do(lambda c: visit_sheets.read_sheet(c, visits.read(c, key), home.clock()))
    text = write_text(sheet, "en")
    assert "The owner agreed to at most €136.50." in text
    assert "Work, 3 x 15 minutes at €22.50: €67.50" in text


async def test_a_warranty_that_ends_after_the_word_pays(home):
    """It costs nothing, the owner agrees, a night passes: it still costs nothing."""
    await home.stock("SIEVE-1")
    until = home.clock() + DAY
    await home.says(await home.pump(consents=(), warranty_until=until), turns=TORN)
    await home.care()
    home.clock.advance(2 * DAY - DAY // 2)
    row = await agree(home)
    assert (row.payer, row.detail["terms"]["owner_pays"]) == ("warranty", 0)
    (order,) = await home.rows(part_order)
    assert order.payer == "warranty"


async def test_a_part_is_ordered_at_the_price_that_was_told(home):
    """Dearer since, or cheaper: what the owner agreed to is what they pay."""
    await home.stock("SIEVE-1")
    await home.says(await home.pump(consents=()), turns=TORN)
    await home.care()
    await reprice(home, 9999)
    await agree(home)
    (order,) = await home.rows(part_order)
    assert (order.total, order.payer) == (1000, "owner")


async def test_consent_given_beforehand_has_its_amount_too(home):
    """Nobody is asked again, and the letter with the times says what it costs at most."""
    await home.technician()
    await home.stock("PUMP-1")
    await home.says(await home.pump(consents=("visit",)), turns=DEAD)
    await home.care()
    (proposed,) = [one for one in await home.letters() if one.template == "visit_proposed"]
    assert proposed.data["terms"]["owner_pays"] == 13650
