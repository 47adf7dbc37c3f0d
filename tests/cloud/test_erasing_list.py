"""The list of places with words about people is complete, and its words are found."""

import pytest

from phonehome_cloud.store.archives import COLUMNS
from phonehome_cloud.store.columns import PERSONAL
from phonehome_cloud.store.erasing import DELETE, GONE, TRACES, any_of, without
from phonehome_cloud.store.schema import message, metadata


def is_personal(column):
    """Whether a column is marked."""
    return column.info.get("personal", False)


def test_every_personal_column_is_on_the_list():
    """A column that is marked in the schema is erased with its row, or by name."""
    covered = set()
    for trace in TRACES:
        names = trace.table.c.keys() if trace.how == DELETE else trace.columns
        covered |= {f"{trace.table.name}.{name}" for name in names}
    marked = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.c
        if is_personal(column)
    }
    assert len(marked) > 10
    assert marked - covered == set()


def test_nothing_about_people_goes_into_the_archive():
    """Its files hold what devices signed, column by column: none may have words about people,
    because nobody looks for them there.
    """
    assert set(COLUMNS) == set(message.c.keys())
    assert [name for name in COLUMNS if is_personal(message.c[name])] == []


def test_every_entry_can_find_its_rows():
    """Each names at least one column by which a row is somebody's, and only columns there are."""
    assert PERSONAL["personal"] is True
    for trace in TRACES:
        ways = [trace.device, trace.owner, trace.technician, trace.party, trace.mentions]
        named = [name for name in (*ways, trace.address) if name]
        assert named or trace.of, trace.table.name
        assert {*named, *trace.columns} <= set(trace.table.c.keys()), trace.table.name
        assert bool(trace.columns) == (trace.how != DELETE), trace.table.name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Rang Jane Miller back", f"Rang {GONE} back"),
        ("JANE MILLER, jane miller", f"{GONE}, {GONE}"),
        ({"to": ["jane@example.org"], "n": 3}, {"to": [GONE], "n": 3}),
        ("Frau Miller fragt", f"Frau {GONE} fragt"),
        ("Tel. 030 / 123 45 67, danke", f"Tel. {GONE}, danke"),
        ("+49 30 1234567", GONE),
        ("K-1 and K-12, millers", f"{GONE} and K-12, millers"),
        ("nothing", "nothing"),
        (None, None),
        (7, 7),
    ],
)
def test_words_are_found_in_text_and_json(before, after):
    """Whatever their case and however deep."""
    words = ["jane@example.org", "Jane Miller", "Jane", "Miller", "+49301234567", "K-1"]
    assert without(before, any_of(words)) == after
