"""Every letter in every language: whole, valid, wrapped, and safe from what it quotes."""

import html5lib
import jinja2
import pytest

from phonehome_cloud.lettering import House, Letters, Reader, wrap

LETTERS = Letters(House("ACME Service", "https://service.example", "service@acme.example"))
PAGE = "https://service.example/o/sample-token"
EVERY = [(name, language) for name in LETTERS.templates for language in LETTERS.languages]


def reader(language="en", **more):
    """Somebody in Berlin."""
    fields = {
        "name": "Zoë Groß",
        "zone": "Europe/Berlin",
        "unsubscribe": "https://service.example/u/t",
    }
    return Reader(language=language, **fields | more)


def test_there_are_two_languages_and_the_first_letters():
    """A folder that was not found would make every other test here pass."""
    assert {"de", "en"} <= set(LETTERS.languages)
    assert {"digest", "ticket_opened", "ticket_resolved"} <= set(LETTERS.templates)


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_every_letter_is_whole_in_every_language(name, language):
    """With its sample data no variable is missing, the HTML is valid, the text is wrapped."""
    letter = LETTERS.write(name, LETTERS.sample(name), reader(language))
    assert letter.language == language
    assert 0 < len(letter.subject) <= 100
    html5lib.HTMLParser(strict=True).parse(letter.html)
    assert f'<html lang="{language}">' in letter.html
    long = [line for line in letter.text.splitlines() if len(line) > 72 and " " in line.strip()]
    assert long == []
    assert "\n\n\n" not in letter.text
    for part in (letter.text, letter.html):
        assert "Zoë Groß" in part
        assert "https://service.example/u/t" in part


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_variable_that_is_missing_stops_the_letter(name, language):
    """Half a letter is never sent."""
    with pytest.raises((jinja2.UndefinedError, KeyError)):
        LETTERS.write(name, {}, reader(language))


def test_what_a_device_or_a_person_wrote_is_text():
    """Markup in a label does not become markup, and a line end does not get into a subject."""
    evil = "<script>x</script>\r\nBcc: all@example.com"
    data = LETTERS.sample("ticket_opened") | {"product": evil}
    letter = LETTERS.write("ticket_opened", data, reader(name="<b>Eve</b>"))
    digest = {"notices": [{"template": "ticket_opened", "data": data}]}
    for each in (letter, LETTERS.write("digest", digest, reader())):
        assert "<script>" not in each.html
        assert "&lt;script&gt;" in each.html
        assert "\n" not in each.subject
    assert "<b>Eve" not in letter.html


def test_data_cannot_stand_in_for_what_the_house_says():
    """The way out of the list is ours, whatever an effect carries."""
    data = LETTERS.sample("ticket_opened") | {"unsubscribe": "https://evil.example"}
    assert "evil" not in LETTERS.write("ticket_opened", data, reader()).text


def test_moments_are_by_the_clock_and_the_words_of_the_reader():
    """The same moment in two zones, two languages."""
    data = LETTERS.sample("ticket_opened")
    german = LETTERS.write("ticket_opened", data, reader("de-AT")).text
    english = LETTERS.write("ticket_opened", data, reader(zone="Asia/Tokyo")).text
    assert "Mittwoch, 18. November 2026, 12:06" in " ".join(german.split())
    assert "Wednesday, 18 November 2026, 20:06" in " ".join(english.split())


def test_what_a_product_file_says_is_said_in_the_readers_language():
    """Titles, advice and the names of products, wherever an effect carries them."""
    fault, advice = "Water does not drain", "Close the tap."
    words = {"de": {fault: "Das Wasser bleibt", advice: "Hahn zu.", "Washer": "Waschmaschine"}}
    house = House("ACME", "https://service.example", titles={"washer": "Washer"}, words=words)
    letters = Letters(house)
    data = letters.sample("safety") | {"fault": fault, "advice": advice}
    german = letters.write("safety", data, reader("de"))
    assert "Das Wasser bleibt" in german.subject
    assert "Hahn zu." in german.text
    english = letters.write("safety", data, reader("en"))
    assert fault in english.subject
    assert advice in english.text
    data = letters.sample("ticket_opened") | {"product": "washer", "fault": fault}
    digest = {"notices": [{"template": "ticket_opened", "data": data}]}
    assert (
        "Waschmaschine meldet: Das Wasser bleibt"
        in letters.write("digest", digest, reader("de")).text
    )
    assert "Your Washer reports" in letters.write("ticket_opened", data, reader("en")).subject


@pytest.mark.parametrize(
    ("name", "paragraphs"),
    [
        # Greeting, question, what it costs, its parts, promise with its link, goodbye, footer.
        ("consent", 7),
        # Greeting, news, its parts, what it costs, of what, number, link, goodbye, footer.
        ("part_ordered", 9),
    ],
)
def test_paragraphs_of_the_text_stay_paragraphs(name, paragraphs):
    """A line that ends in a condition does not swallow the blank one behind it."""
    for language in LETTERS.languages:
        letter = LETTERS.write(name, LETTERS.sample(name), reader(language))
        assert len(letter.text.split("\n\n")) == paragraphs


def test_who_pays_is_said_in_words():
    """What a warranty pays costs the owner nothing; else they read the amount and its parts."""
    sample = LETTERS.sample("consent")

    def said(**terms):
        data = sample | {"terms": sample["terms"] | terms}
        return LETTERS.write("consent", data, reader()).text

    assert "You pay €39.00." in said()
    assert "* 1 x Drain pump: €39.00" in said()
    free = said(kind="visit", payer="warranty")
    assert "It costs you nothing. The warranty pays." in free
    assert "€" not in free


def test_a_desk_is_greeted_without_a_name():
    """Nobody is called "service"."""
    for language, greeting in (("en", "Hello,"), ("de", "Guten Tag,")):
        letter = LETTERS.write("callback", LETTERS.sample("callback"), reader(language, name=""))
        assert letter.text.startswith(greeting)


def test_an_unknown_language_or_zone_still_makes_a_letter():
    """In the language of the house, by UTC."""
    letter = LETTERS.write(
        "ticket_opened", LETTERS.sample("ticket_opened"), reader("fi", zone="Moon")
    )
    assert letter.language == "en"
    assert "11:06" in letter.text


def test_addresses_of_pages_are_never_broken():
    """Wrapped text keeps a long word whole, a list hangs, a signature keeps its space."""
    url = "https://service.example/" + "x" * 100
    text = wrap(f"* {'word ' * 20}\n12. {'step ' * 20}\n\n\n\n{url}\n-- \nend")
    lines = text.splitlines()
    assert url in lines
    assert "-- " in lines
    assert lines[1].startswith("  word")
    assert lines[3].startswith("    step")
    assert "\n\n\n" not in text
    assert PAGE in LETTERS.write("ticket_opened", LETTERS.sample("ticket_opened"), reader()).text
