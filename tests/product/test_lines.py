"""The line of every key is found, however the file is laid out."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_product.lines import LineIndex

TEXT = '''\
top = 1 # [not] = a table
"quoted key" = "a [b] # c"
[a]
x = """
y = 5
"""
y = [ 1,
  { z = "}" }, # comment, with comma
  3 ]
[a.b]
z = 1
[[list]]
k = 1
[list.inner]
k = 2
[[list.deep]]
k = 3
[[list.deep]]
k = 4
[[list]]
k = 5
dotted.key = 6
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 1),
        (("quoted key",), 2),
        (("a",), 3),
        (("a", "x"), 4),
        (("a", "y"), 7),
        (("a", "y", 0), 7),
        (("a", "y", 1), 8),
        (("a", "y", 1, "z"), 8),
        (("a", "y", 2), 9),
        (("a", "b", "z"), 11),
        (("list", 0), 12),
        (("list", 0, "k"), 13),
        (("list", 0, "inner", "k"), 15),
        (("list", 0, "deep", 0, "k"), 17),
        (("list", 0, "deep", 1, "k"), 19),
        (("list", 1), 20),
        (("list", 1, "k"), 21),
        (("list", 1, "dotted", "key"), 22),
        (("list", 1, "missing"), 20),
        (("nowhere",), None),
    ],
)
def test_line_of_a_path(path, line):
    """A path has the line of its key, or that of its nearest parent."""
    tomllib.loads(TEXT)
    assert LineIndex(TEXT).find(path) == line


@given(st.text(alphabet="ab=[]{}.\"'#,\n 1", max_size=60))
def test_index_survives_whatever_is_toml(text):
    """No text that tomllib accepts stops the index or makes it fail."""
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    index = LineIndex(text)
    for key, value in parsed.items():
        if not isinstance(value, dict):
            assert index.find((key,)) is not None
