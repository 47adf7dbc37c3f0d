"""Spreadsheets: every way in which people write them is read, every mistake has its place."""

from pathlib import Path

import pytest

from phonehome_cloud.core.people.hours import read_hours
from phonehome_cloud.core.people.kinds import KINDS, OWNERS, PARTS, TECHNICIANS
from phonehome_cloud.core.people.sheets import read_sheet

PAGE = Path(__file__).parents[2] / "cloud" / "PEOPLE.md"
HEAD = "number,name,zone\n"
JANE = "K-1,Jürgen Größe,Europe/Berlin\n"


def read(content, kind=OWNERS, encoding=""):
    """A sheet of some text or bytes."""
    return read_sheet(
        kind, "f.csv", content.encode() if isinstance(content, str) else content, encoding
    )


def wrong(sheet):
    """(line, column, value) of each problem."""
    return [(p.line, p.column, p.value) for p in sheet.problems]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ((HEAD + JANE).encode(), ""),
        (b"\xef\xbb\xbf" + (HEAD + JANE).encode(), ""),
        ((HEAD + JANE).encode("utf-16"), ""),
        ((HEAD + JANE).encode("cp1252"), "cp1252"),
        ((HEAD + JANE).replace(",", ";").replace("\n", "\r\n").encode(), ""),
        ((HEAD + JANE).replace(",", "\t").encode(), ""),
        (
            b'"number","name","zone"\n"K-1","J\xc3\xbcrgen Gr\xc3\xb6\xc3\x9fe","Europe/Berlin"\n',
            "",
        ),
    ],
)
def test_every_spreadsheet_is_read(content, encoding):
    """With marks, in other encodings, with semicolons or tabs, with quotes: the same row."""
    sheet = read(content, encoding=encoding)
    assert sheet.problems == []
    assert [dict(row.values) for row in sheet.rows] == [
        {"number": "K-1", "name": "Jürgen Größe", "zone": "Europe/Berlin"}
    ]


@pytest.mark.parametrize(
    ("content", "encoding", "where", "fix"),
    [
        ((HEAD + JANE).encode("cp1252"), "", (2, "", "byte 0xfc"), "cp1252"),
        ((HEAD + JANE).encode(), "utf-99", (0, "", "utf-99"), "encoding"),
        ((HEAD + JANE).encode(), "undefined", (0, "", "undefined"), "encoding"),
        ((HEAD + JANE).encode(), "zlib", (0, "", "zlib"), "encoding"),
        ((HEAD + JANE).encode(), "a\0b", (0, "", "a\0b"), "encoding"),
        (b"", "", (1, "number", ""), "missing"),
        (b"number,name\nK-1,J\n", "", (1, "zone", ""), "missing"),
        (b"number,name,zone,colour\n", "", (1, "colour", "colour"), "known: number"),
        (b"number,name,zone,name\n", "", (1, "name", "name"), "once"),
        (b"number,name,zone\nK-1,J\n", "", (2, "", "2 cells"), "3 cells"),
        (b'number,name,zone\nK-1,"J,UTC\n', "", (2, "", ""), "CSV"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(content, encoding, where, fix):
    """The line as an editor counts them, and what to do."""
    sheet = read(content, encoding=encoding)
    assert where in wrong(sheet)
    assert any(fix in problem.fix for problem in sheet.problems)
    assert sheet.rows == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("number", ""),
        ("number", "a b"),
        ("name", ""),
        ("name", "x" * 201),
        ("name", "bell\x07"),
        ("mail", "jane"),
        ("mail", "jane@localhost"),
        ("mail", "Jane <jane@example.org>"),
        ("phone", "030 1234567"),
        ("phone", "+49"),
        ("language", "German"),
        ("postcode", "1" * 13),
        ("country", "Germany"),
        ("zone", "CET"),
        ("zone", "Europe/Berlino"),
        ("zone", ""),
        ("consents", "visit;everything"),
    ],
)
def test_a_bad_value_is_named(column, value):
    """Each by its line and column, with the value; the good row beside it is read."""
    row = {"number": "K-1", "name": "Jane", "zone": "UTC", column: value}
    good = {"number": "K-2", "name": "Jim", "zone": "UTC", "postcode": "", "country": ""}
    names = list(dict.fromkeys([*row, *good]))
    lines = [names, *([r.get(name, "") for name in names] for r in (row, good))]
    sheet = read("\n".join("\t".join(line) for line in lines))
    shown = value if len(value) <= 80 else value[:79] + "…"
    assert wrong(sheet) == [(2, column, shown)]
    assert sheet.problems[0].fix
    assert [r.values["number"] for r in sheet.rows] == ["K-2"]


def test_lines_are_those_of_an_editor():
    """Empty lines and cells over several lines count, as they do where the file is mended."""
    content = 'number,name,zone\n\nK-1,"Jane\nMiller",UTC\nK-2,Jim,Nowhere\n'
    assert wrong(read(content)) == [(3, "name", "Jane\nMiller"), (5, "zone", "Nowhere")]


def test_a_key_is_there_once():
    """The second is named, with the line of the first."""
    sheet = read(HEAD + JANE + JANE)
    assert wrong(sheet) == [(3, "number", "K-1")]
    assert "line 2" in sheet.problems[0].fix


def test_values_that_contradict_each_other():
    """A warranty before the purchase, a grant without a contract, a postcode without a country."""
    head = "device,bought,warranty_until,contract,grants\n"
    rows = "00000000000000ff,2026-05-01,2026-04-01,,\n00000000000000fe,,,,visit\n"
    sheet = read(head + rows, KINDS["appliances"])
    assert [(p.line, p.column) for p in sheet.problems] == [(2, "warranty_until"), (3, "grants")]
    sheet = read("number,name,zone,postcode,country\nK-1,J,UTC,10115,\n")
    assert wrong(sheet) == [(2, "country", "")]


def test_parts_have_prices_and_places():
    """Amounts with a point or a comma, pieces in the depot and in vans."""
    head = "part;title;price;stock;vans;discontinued\n"
    sheet = read(head + "P-1;Pump;48,90;3;T-07=2|T-08=1;ja\nP-2;Belt;7;0;;\n", PARTS)
    assert sheet.problems == []
    first, second = (row.values for row in sheet.rows)
    assert (first["price"], first["stock"], first["discontinued"]) == (4890, 3, True)
    assert first["vans"] == (("T-07", 2), ("T-08", 1))
    assert (second["price"], second["vans"]) == (700, ())
    bad = "P-1;Pump;1.234,50;-3;T-07;perhaps\nP-2;Belt;;1;T-07=1|T-07=2;\n"
    found = wrong(read(head + bad, PARTS))
    assert [(line, column) for line, column, _ in found] == [
        (2, "price"),
        (2, "stock"),
        (2, "vans"),
        (2, "discontinued"),
        (3, "vans"),
    ]


def test_technicians_have_hours_and_leave():
    """What is wrong with them is told in words."""
    head = "technician;name;zone;hours;leave;area\n"
    good = 'T-07;Tom;Europe/Berlin;"Mon-Thu 08:00-12:00 13:00-17:00; Fri 08:00-14:00";'
    sheet = read(head + good + "2026-12-24..2026-12-31|2027-01-05;DE-10|AT\n", TECHNICIANS)
    assert sheet.problems == []
    bad = 'T-08;Tim;Europe/Berlin;"Fri-Mon 08:00-17:00";2026-12-24..2026-12-01;Berlin\n'
    assert [c for _, c, _ in wrong(read(head + bad, TECHNICIANS))] == ["hours", "leave", "area"]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("Mon", "has no time"),
        ("Foo 08:00-09:00", "no day"),
        ("Mon-Foo 08:00-09:00", "no day"),
        ("Tue-Mon 08:00-09:00", "no day"),
        ("Mon 8-9", "no span of time"),
        ("Mon 08:60-09:00", "59 minutes"),
        ("Mon 09:00-09:00", "must end"),
        ("Mon 22:00-25:00", "must end"),
        ("Mon 08:00-12:00 11:00-13:00", "begins before"),
        ("Mon 08:00-12:00; Mon 13:00-14:00", "twice"),
    ],
)
def test_hours_that_make_no_sense(text, fix):
    """Each mistake has its words."""
    with pytest.raises(ValueError, match=fix):
        read_hours(text)


def test_hours_by_weekday():
    """Minutes after midnight, for every day that has some; a day may last until 24:00."""
    found = read_hours("Mon-Tue 08:00-12:00 13:00-17:30; Sun 00:00-24:00")
    assert found == {0: ((480, 720), (780, 1050)), 1: ((480, 720), (780, 1050)), 6: ((0, 1440),)}
    assert read_hours("") == {}


def test_every_column_is_documented():
    """The page has a table of each kind, with every column in order and what it holds."""
    page = PAGE.read_text()
    for kind in KINDS.values():
        table = page.split(f"### {kind.name}\n")[1].split("\n\n")[0]
        rows = [line for line in table.splitlines() if line.startswith("| `")]
        assert len(rows) == len(kind.fields), kind.name
        for of, row in zip(kind.fields, rows, strict=True):
            assert row.startswith(f"| `{of.name}` | {of.wants}"), row
