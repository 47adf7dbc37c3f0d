"""A service half that cannot be meant is refused: each mistake with line, key and fix."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from phonehome_product import ProductError, compile_device, load_whole, parse, service
from phonehome_product.service_checks import AGENT_COMMANDS, find_texts
from phonehome_product.values import keys_of
from tests.product.samples import GOOD
from tests.product.service_samples import SERVED, spoil_service

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"


def problems_of(text):
    """The problems of a text as (key, what and fix, line)."""
    with pytest.raises(ProductError) as caught:
        parse(text, "kettle.toml")
    return [(p.key, f"{p.what}; {p.fix}", p.line) for p in caught.value.problems]


def test_a_good_service_half_is_read():
    """Evidence, asks, actions, parts and articles as they stand, numbers exact."""
    product = parse(SERVED, "kettle.toml")
    fault = product.faults[0]
    assert fault.evidence[0].likelihood("switch_stuck") == Decimal("0.9")
    assert fault.evidence[0].likelihood("lid_open") == Decimal("0.2")
    assert fault.find_action("mend").success_given("switch_stuck") == Decimal("0.95")
    assert fault.find_action("mend").success_given("lid_open") == 0
    assert fault.find_action("nothing") is None
    assert product.find_part("K-SWITCH").price == Decimal("4.50")
    assert product.find_command("restart").code == "reboot"
    assert product.find_article("shut_lid").in_language("de").title == "Deckel zu"
    assert product.find_article("shut_lid").in_language("fr").title == "Shut the lid"


def test_the_service_half_changes_no_byte_of_the_device_half():
    """A board gets the same with it and without it."""
    assert compile_device(parse(SERVED, "a")) == compile_device(parse(GOOD, "b"))


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("switch_stuck = 0.9 }", "switch_stuk = 0.9 }", "fault.K1.evidence.hot.given", "did you"),
        ("switch_stuck = 0.9 }", "switch_stuck = 0.2 }", "evidence.hot.given", "tells nothing"),
        (
            "switch_stuck = 0.9 }",
            "switch_stuck = 1 }",
            "given.switch_stuck",
            "between 0.001 and 0.999",
        ),
        (
            "switch_stuck = 0.9 }",
            "switch_stuck = 90 }",
            "given.switch_stuck",
            "between 0.001 and 0.999",
        ),
        (
            "switch_stuck = 0.9 }",
            "switch_stuck = -0.1 }",
            "given.switch_stuck",
            "between 0.001 and 0.999",
        ),
        ("otherwise = 0.2", "otherwise = 0", "evidence.hot.otherwise", "between 0.001 and 0.999"),
        ("lid_open = 0.9 }", "lid_open = 1.1 }", "success.lid_open", "write 1 or less"),
        ("lid_open = 0.9 }", "lid_open = 0 }", "shut_lid.success", "never helps"),
        ("success = { lid_open = 0.9 }", "", "shut_lid.success", "say how likely"),
        ("lid_open = 0.9 }", "lid = 0.9 }", "success.lid", "did you mean lid_open?"),
        ('statistic = "mean"', 'statistic = "median"', "hot.statistic", "not a known word"),
        ('statistic = "mean"\n', "", "hot.statistic", 'add the line "statistic'),
        ('"water_temp"\nstatistic', '"watr_temp"\nstatistic', "hot.sensor", "did you mean"),
        ('"heater", min = 1 }]', '"heatr", min = 1 }]', "when.1.sensor", "did you mean heater"),
        ('"heater", min = 1 }]', '"heater" }]', "when.1", "without a limit"),
        ("min = 90\n", "", "evidence.hot", "add min or max"),
        ("min = 90", "min = 90\nmax = 80", "evidence.hot.min", "exchange min and max"),
        ("min = 90", 'min = 90\nmetric = "rssi_dbm"', "evidence.hot.metric", "does not use it"),
        ('fault = "K2"', 'fault = "K9"', "slow_too.fault", "did you mean K2?"),
        ('fault = "K2"', 'fault = "K1"', "slow_too.fault", "no other fault"),
        ('usage = "boilings"', 'usage = "boiling"', "boils_often.usage", "did you mean boilings"),
        (
            'what = "fault"\nfault = "K2"',
            'what = "build"\nprefix = "2.3."',
            "slow_too.prefix",
            "a to f",
        ),
        ('id = "slow_too"', 'id = "hot"', "evidence.hot.id", "the same id"),
        ('evidence = ["switch_answers"]', 'evidence = ["hot"]', "ask.test.evidence", "no answer"),
        ('evidence = ["switch_answers"]', 'evidence = ["x"]', "ask.test.evidence", "use one of"),
        ('command = "selftest"\nfield', 'command = "test"\nfield', "answers.command", "did you"),
        ('kind = "visit"', 'kind = "vist"', "action.mend.kind", "nearest is visit"),
        ('skills = ["electric"]\nminutes', 'skills = ["magic"]\nminutes', "skills", "electric"),
        ('skills = ["electric"]\nminutes', "minutes", "mend.skills", 'add the line "skills'),
        ("minutes = 20\n", "", "mend.minutes", 'add the line "minutes'),
        ('article = "shut_lid"\nm', 'article = "shut"\nm', "shut_lid.article", "did you mean"),
        ('command = "restart"', 'command = "restat"', "again.command", "did you mean restart?"),
        ('parts = ["K-SWITCH"]\nafter', 'parts = ["K-SWICH"]\nafter', "parts.1", "did you mean"),
        (
            'parts = ["K-SWITCH"]\nskills',
            'parts = ["K-SWITCH"]\nfits = { lid = [] }\nskills',
            "fits.lid",
            "did you mean lid_open?",
        ),
        (
            'parts = ["K-SWITCH"]\nskills',
            'parts = ["K-SWITCH"]\nfits = { lid_open = ["K-LID"] }\nskills',
            "fits.lid_open",
            "not among the parts of mend",
        ),
        ("owner_can_fit = true", "owner_can_fit = false", "send_switch.parts", "cannot fit"),
        ('number = "K-SWITCH"', 'number = "k switch"', "part.k switch.number", "part number"),
        ("price = 4.50", "price = -1", "part.K-SWITCH.price", "write 0 or more"),
        ('code = "reboot"', 'code = "rebot"', "command.restart.code", "did you mean reboot?"),
        ('code = "reboot"', "code = 12", "command.restart.code", "128 to 255"),
        ('code = "reboot"', 'code = "rotate_key"', "command.restart.code", "may send"),
        ("metric = 130", "metric = 5", "usage.boilings.metric", "write 128 or more"),
        ('"boilings"\ntitle', '"hours"\ntitle', "usage.hours.name", "counted by the receiver"),
        ("truck = 70", "trucks = 70", "service.costs.trucks", "did you mean truck?"),
        ('currency = "EUR"', 'currency = "euro"', "service.currency", "ISO 4217"),
        ("call_out = 49.90", "call_out = 49.901", "tariff.call_out", "at most 2 digits"),
        ("call_out = 49.90", "call_out = -1", "tariff.call_out", "write 0 or more"),
        ("call_out = 49.90\n", "", "service.tariff.call_out", 'add the line "call_out'),
        ('language = "de"', 'language = "deutsch"', "deutsch.language", "ISO 639-1"),
        ('language = "de"', 'language = "en"', "text.en.language", "the same language"),
        ('\ntext = "Einschalten."', '\ntext = ""', "step.2.text", "at least one character"),
        ('command = "is_idle"\nmin', 'command = "restart"\nmin', "service.idle.command", "idle"),
    ],
)
def test_each_mistake_is_named_with_its_fix(old, new, key, words):
    """One of the problems has the key, its line, and says what to write."""
    problems = problems_of(spoil_service(old, new))
    hits = [p for p in problems if key in p[0] and words in p[1]]
    assert hits, problems
    assert all(line is not None for _, _, line in problems)


def test_actions_that_wait_for_each_other_are_a_cycle():
    """The cycle is told once, with its way round."""
    text = spoil_service('kind = "self_help"\n', 'kind = "self_help"\nafter = ["mend"]\n')
    (problem,) = problems_of(text)
    assert problem[0] == "fault.K1.action.shut_lid.after"
    assert "waits for itself: shut_lid after mend after shut_lid" in problem[1]


def test_an_action_after_itself_is_a_cycle():
    """The shortest one."""
    text = spoil_service('kind = "self_help"\n', 'kind = "self_help"\nafter = ["shut_lid"]\n')
    assert "shut_lid after shut_lid" in problems_of(text)[0][1]


def test_actions_need_a_service_section():
    """Without the value of the appliance no action can be weighed."""
    head, rest = SERVED.split("[service]\n", maxsplit=1)
    keys = {
        key
        for key, _, _ in problems_of(head + "[[command]]\n" + rest.split("[[command]]\n", 1)[1])
    }
    assert "fault.K1.action.shut_lid" in keys


def test_languages_have_the_same_steps_and_proofs():
    """An owner who reads German does what one who reads English does."""
    fewer = spoil_service('[[article.text.step]]\ntext = "Deckel schließen."\n', "")
    assert "write the same steps" in problems_of(fewer)[0][1]
    at = SERVED.rindex("within_s = 60")
    other = SERVED[:at] + "within_s = 61" + SERVED[at + 13 :]
    assert "write the same proof" in problems_of(other)[0][1]


def test_an_answer_that_nothing_asks_for_is_refused():
    """It could never be seen."""
    start, end = SERVED.index("[[fault.ask]]"), SERVED.index("[[fault.action]]")
    ((key, text, _),) = problems_of(SERVED[:start] + SERVED[end:])
    assert key == "fault.K1.evidence.switch_answers"
    assert "nothing asks for" in text


def test_words_of_another_language_are_for_texts_of_the_file():
    """A title is said in the language that has words for it; words for a title that was changed
    since are found, with their line.
    """
    text = SERVED + '\n[words.de]\n"Switch" = "Schalter"\n'
    product = parse(text, "kettle.toml")
    assert product.say("Switch", "de") == "Schalter"
    assert product.say("Switch", "fr") == product.say("Switch", "en") == "Switch"
    ((key, said, line),) = problems_of(text.replace('"Switch" = "S', '"Swich" = "S'))
    assert "Swich" in key
    assert "did you mean 'Switch'?" in said
    assert line == text.count("\n")


@pytest.mark.parametrize("name", ["washer", "fridge", "freezer"])
def test_what_owners_read_of_an_appliance_is_there_in_german(name):
    """Titles, parts and advice: nobody has to know English to close a tap."""
    product = load_whole(PRODUCTS / f"{name}.toml")
    assert [text for text in find_texts(product) if text not in product.words["de"]] == []


def test_a_picture_must_lie_beside_the_file(tmp_path):
    """`phonehome product check` finds pictures that are not there; starting does not."""
    text = spoil_service('text = "Shut it."', 'text = "Shut it."\npicture = "lid.svg"')
    file = tmp_path / "kettle.toml"
    file.write_text(text)
    with pytest.raises(ProductError) as caught:
        load_whole(file)
    (problem,) = caught.value.problems
    assert problem.key == "article.shut_lid.text.en.step.1.picture"
    assert problem.line == text[: text.index("lid.svg")].count("\n") + 1
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "lid.svg").write_text("<svg/>")
    assert load_whole(file).name == "kettle"


def test_only_harmless_commands_may_be_sent_by_a_rule():
    """Keys and settings have their own ways."""
    assert {"reboot", "send_log", "ping"} <= AGENT_COMMANDS
    assert not {"rotate_key", "set_config"} & AGENT_COMMANDS


@pytest.fixture(scope="module")
def page(project):
    """The page that explains the service half, key by key."""
    return (project / "shared/README.md").read_text().split("### The service half")[1]


def test_every_key_is_on_the_page(page):
    """Each key of each section of the service half is explained."""
    sections = (
        service.Service,
        service.Tariff,
        service.Idle,
        service.Part,
        service.Article,
        service.Wording,
    )
    more = (service.Step, service.Proof, service.Command, service.Usage, service.Ask)
    for section in (*sections, *more, service.Evidence, service.Action):
        for name, key in keys_of(section).items():
            assert re.search(rf"\b{key}\b", page), (section.__name__, name)


@pytest.mark.parametrize("what", service.WHAT_WORDS)
def test_kinds_of_evidence_have_the_words_of_the_page(page, what):
    """The row of a kind names exactly its words, those it needs and those it may have."""
    row = next(line for line in page.splitlines() if line.startswith(f"| `{what}` |"))
    words = set(re.findall(r"`(\w+)`", row.rsplit("|", 2)[1]))
    assert words == {word for group in service.WHAT_WORDS[what] for word in group}


@pytest.mark.parametrize("kind", service.ACTION_WORDS)
def test_kinds_of_action_have_the_words_of_the_page(page, kind):
    """The row of a kind names what it needs, and what it may have."""
    row = next(line for line in page.splitlines() if line.startswith(f"| `{kind}` |"))
    *_, needs, may, _ = row.split("|")
    assert tuple(re.findall(r"`(\w+)`", needs)) == service.ACTION_WORDS[kind][0]
    assert tuple(re.findall(r"`(\w+)`", may)) == service.ACTION_WORDS[kind][1]


def test_the_example_of_the_page_is_that_of_the_washer(page, project):
    """What is shown stands in the file that ships, but for its comment."""
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1]
    example = re.sub(r" # of E22.*", "", example)
    assert example in (project / "shared/products/washer.toml").read_text()
