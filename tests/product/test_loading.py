"""A good file becomes a product; every mistake is named with its line, value and fix."""

import random

import pytest

from phonehome_product import ProductError, load, parse
from tests.product.samples import GOOD, line_of, spoil


def problem_of(text):
    """The only problem of a text."""
    with pytest.raises(ProductError) as caught:
        parse(text, "kettle.toml")
    (problem,) = caught.value.problems
    return problem


def test_good_file_becomes_a_product(tmp_path):
    """Everything that is written in the file is in the product, and the defaults beside it."""
    path = tmp_path / "kettle.toml"
    path.write_text(GOOD)
    product = load(path)
    boils_dry, too_slow = product.faults
    assert (product.name, product.title, product.version) == ("kettle", "Kettle", 3)
    assert [sensor.name for sensor in product.sensors] == ["water_temp", "heater"]
    assert (boils_dry.code, boils_dry.severity_code, boils_dry.urgent) == ("K1", 2, False)
    assert [(cause.id, float(cause.prior)) for cause in boils_dry.causes] == [
        ("lid_open", 0.25),
        ("switch_stuck", 0.75),
    ]
    assert (too_slow.urgent, too_slow.rule.n, too_slow.rule.m) == (True, 2, 3)
    assert (too_slow.rule.when, too_slow.rule.settle_ms, too_slow.advice) == ((), 0, None)


def test_product_finds_its_parts_by_their_wire_identity():
    """The receiver finds a fault by id and fmi and a sensor by channel, or hears of none."""
    product = parse(GOOD, "kettle.toml")
    assert product.find_fault(520192, 10) is product.faults[1]
    assert product.find_fault(520192, 9) is None
    assert product.find_sensor(1) is product.sensors[1]
    assert product.find_sensor(2) is None


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("version = 3", "version = 0", "product.version", "1 or more"),
        ("version = 3", "version = 3.0", "product.version", "whole number"),
        ("version = 3", "version = true", "product.version", "whole number"),
        ('title = "Kettle"', "title = 5", "product.title", '"quotes"'),
        ('title = "Kettle"', 'title = ""', "product.title", "at least one character"),
        ('name = "kettle"', 'name = "Ke ttle"', "product.name", "a to z"),
        ("samples = 16", "samples = 129", "freeze.samples", "128 or less"),
        ("samples = 16", "sample = 16\nsamples = 16", "freeze.sample", "did you mean samples"),
        ("period_ms = 500", "period_ms = 0", "freeze.period_ms", "1 or more"),
        ("exp = -1", "exp = -10", "sensor.water_temp.exp", "-9 or more"),
        ("channel = 1", "channel = 256", "sensor.heater.channel", "255 or less"),
        ('code = "K1"', 'code = "k1"', "fault.k1.code", "A to Z"),
        ("id = 520192", "id = 524288", "fault.K1.id", "524287 or less"),
        ("fmi = 0", "fmi = 32", "fault.K1.fmi", "31 or less"),
        ('"critical"', '"crtical"', "fault.K1.severity", "nearest is critical"),
        ("urgent = true", "urgent = 1", "fault.K2.urgent", "true or false"),
        ('kind = "range"', 'kind = "ragne"', "fault.K1.rule.kind", "nearest is range"),
        ("high = 104.5", "high = nan", "fault.K1.rule.high", "between"),
        ("high = 104.5", "high = 1e999999999", "fault.K1.rule.high", "between"),
        ("high = 104.5", 'high = "104"', "fault.K1.rule.high", "without quotes"),
        ("deadband = 2.0", "deadband = -2.0", "fault.K1.rule.deadband", "0 or more"),
        ("on_delay_ms = 1000", "on_delay = 1", "fault.K1.rule.on_delay", "mean on_delay_ms"),
        ("min = 1 }", "minimum = 1 }", "fault.K1.rule.when.1.minimum", "did you mean min"),
        ("prior = 0.25", "prior = 0", "fault.K1.cause.lid_open.prior", "more than 0"),
        ("prior = 1", "prior = 1.5", "fault.K2.cause.scale.prior", "1 or less"),
    ],
)
def test_wrong_field_is_named_with_its_line_and_fix(old, new, key, words):
    """A field that is wrong by itself is refused: line, key, value and what to write."""
    text = spoil(old, new)
    problem = problem_of(text)
    assert problem.key == key
    assert problem.line == line_of(text, new)
    assert words in f"{problem.what}; {problem.fix}"


@pytest.mark.parametrize(
    ("old", "key", "words"),
    [
        ("version = 3\n", "product.version", 'add the line "version = ..."'),
        ('unit = "Cel"\n', "sensor.water_temp.unit", 'add the line "unit = ..."'),
        ("resolve_after_s = 60\n", "fault.K1.resolve_after_s", "add the line"),
        ("[freeze]\nperiod_ms = 500\nsamples = 16\n", "freeze", "add a section [freeze]"),
        (GOOD[GOOD.index("[[fault]]") :], "fault", "add at least one [[fault]]"),
        (GOOD[GOOD.index('[[fault.cause]]\nid = "scale') :], "fault.K2.cause", "[[fault.cause]]"),
    ],
)
def test_missing_field_is_named_with_what_to_add(old, key, words):
    """What is not there is named by its key path, and with what to write."""
    problem = problem_of(spoil(old, ""))
    assert (problem.key, problem.value, problem.what) == (key, None, "missing")
    assert words in problem.fix


def test_all_wrong_fields_are_named_at_once():
    """One pass shows every wrong field, in the order of the file."""
    text = spoil("version = 3", "version = 0").replace("fmi = 10", "fmi = 99")
    with pytest.raises(ProductError) as caught:
        parse(text, "kettle.toml")
    assert [p.key for p in caught.value.problems] == ["product.version", "fault.K2.fmi"]
    assert len(str(caught.value).splitlines()) == 2


def test_problem_reads_like_a_compiler_message():
    """A problem is one line: file, line, key, value, what is wrong, what to write."""
    problem = problem_of(spoil("samples = 16", "samples = 500"))
    assert str(problem) == "kettle.toml:9: freeze.samples = 500: too large; write 128 or less"


def test_long_value_is_shortened_in_a_problem():
    """A value that would fill the terminal is cut."""
    problem = problem_of(spoil('"Boils dry"', '"' + "x" * 500 + '"'))
    assert len(str(problem)) < 160
    assert problem.fix == "use at most 120 characters"


def test_problem_cannot_write_to_the_terminal_what_the_file_says():
    """Control characters from a file neither break the line nor reach the terminal."""
    code = "\\u001b[2J\\n" + "x" * 100
    text = str(problem_of(spoil('code = "K1"', f'code = "{code}"')))
    assert text.isprintable()
    assert text.startswith('kettle.toml:28: fault.?[2J?xxxxxxxxxxxxxxxxxxx.code = "?[2J?xx')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[product\n", 1),
        ('[product]\nname = "a"\nname = "b"\n', 3),
        ('[product]\nname = "a', 2),
    ],
)
def test_text_that_is_no_toml_is_refused_with_its_line(text, line):
    """A syntax error names its line, also at the end of the file."""
    problem = problem_of(text)
    assert problem.line == line
    assert problem.what.startswith("not TOML")


def test_endless_lists_are_refused():
    """A file made to exhaust the parser is refused like any other."""
    assert "lists" in problem_of("a = " + "[" * 100_000).what


def test_section_that_is_no_table_is_refused():
    """A section written as a number is told to be a section."""
    text = "product = 5\n" + GOOD[GOOD.index("[freeze]") :]
    assert "[section]" in problem_of(text).fix


def test_list_of_tables_written_as_one_table_is_refused():
    """[sensor] instead of [[sensor]] is told the difference."""
    start, end = GOOD.index("[[sensor]]"), GOOD.index("[[fault]]")
    problem = problem_of(GOOD[:start] + '[sensor]\nname = "a"\n' + GOOD[end:])
    assert (problem.key, problem.fix) == ("sensor", "write it as [[...]] or as [{...}]")


def test_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    """A file in another encoding names the first line that shows it."""
    path = tmp_path / "latin.toml"
    path.write_bytes(b"[product]\ntitle = '\xe9'\n")
    with pytest.raises(ProductError, match=r"latin\.toml:2: not UTF-8; save the file as UTF-8"):
        load(path)


def test_file_with_windows_line_ends_keeps_its_lines(tmp_path):
    """Line numbers do not depend on the editor."""
    path = tmp_path / "kettle.toml"
    path.write_bytes(spoil("fmi = 10", "fmi = 99").replace("\n", "\r\n").encode())
    with pytest.raises(ProductError) as caught:
        load(path)
    assert caught.value.problems[0].line == line_of(GOOD, "fmi = 10")


def test_file_that_is_no_product_by_its_size_is_refused_unread(tmp_path):
    """A wrong path to something large is refused before it is read."""
    path = tmp_path / "video.toml"
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(ProductError, match="300000 bytes"):
        load(path)


def test_unreadable_file_raises_oserror(tmp_path):
    """A file that is not there is the caller's to explain."""
    with pytest.raises(OSError, match=r"nothing\.toml"):
        load(tmp_path / "nothing.toml")


def test_no_spoiled_file_does_anything_but_be_refused():
    """Lines lost, doubled, exchanged or cut give a product or named problems, nothing else."""
    draw = random.Random(4)
    problems = []
    for _ in range(1500):
        lines = GOOD.split("\n")
        first, second = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[first], lines[second] = draw.choice(
            [
                ("", lines[second]),
                (lines[second], lines[first]),
                (lines[first][: draw.randrange(20)], lines[second]),
                (lines[first] + draw.choice('[]{}="-1e,'), lines[second]),
            ]
        )
        try:
            parse("\n".join(lines), "kettle.toml")
        except ProductError as error:
            problems += error.problems
    assert len(problems) > 500
    assert all(problem.what and problem.fix for problem in problems)
