# cpython-only
"""A capture of an export that somebody or something has changed: refused or harmless."""

from hypothesis import given, settings
from hypothesis import strategies as st

from phonehome_wire.errors import RefusedError
from phonehome_wire.exported import FINISHED, SIGNED, ExportReader
from phonehome_wire.serial import (
    MARK,
    NOTHING,
    checked,
    closing_line,
    done_line,
    is_whole,
    join,
    line_count,
    numbered_line,
)
from tests.shared.golden import message_of

HEAD = message_of("heartbeat")[:18]
OTHERS = "AZaz09+/= #\n\t\x00\u00e9"
MESSAGES = st.binary(max_size=600).map(lambda tail: HEAD + tail)


def export(messages):
    """The lines of an export as a device prints them."""
    lines = []
    for message in messages:
        lines += [numbered_line(message, i + 1) for i in range(line_count(message))]
        lines.append(closing_line(message, is_signed=True))
    lines.append(done_line(len(messages), 0))
    return [MARK + line for line in lines]


def read(lines):
    """The messages that come out of some lines; nothing but RefusedError may stop one."""
    reader, found = ExportReader(), []
    for line in lines:
        try:
            said = reader.take(line)
        except RefusedError:
            continue
        if said is not None and said[0] == SIGNED:
            found.append(said[1])
    return found


@st.composite
def spoiled(draw):
    """(the messages, their lines after some were dropped, doubled, moved, cut or changed)."""
    messages = draw(st.lists(MESSAGES, min_size=1, max_size=4))
    lines = export(messages)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(("drop", "double", "move", "cut", "change", "insert")))
        line = lines[at]
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif kind == "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))]
        elif kind == "change" and line:
            i = draw(st.integers(0, len(line) - 1))
            lines[at] = line[:i] + draw(st.sampled_from(OTHERS)) + line[i + 1 :]
        else:
            lines.insert(at, draw(st.text(OTHERS, max_size=100)))
    return messages, lines


@given(st.lists(MESSAGES, max_size=4))
def test_what_is_exported_is_read(messages):
    """Any messages come out of their lines, in order, and the end says how many there are."""
    assert read(export(messages)) == messages
    assert ExportReader().take(export(messages)[-1]) == (FINISHED, (len(messages), 0))


@given(spoiled())
@settings(max_examples=400)
def test_only_what_was_exported_comes_out(case):
    """However lines are dropped, doubled, moved, cut or changed: no other message appears."""
    messages, lines = case
    assert [found for found in read(lines) if found not in messages] == []


@given(spoiled())
def test_reading_goes_on_behind_whatever_was_spoiled(case):
    """An export behind a spoiled one comes out whole."""
    messages, lines = case
    assert read(lines + export(messages))[-len(messages) :] == messages


@given(st.text(max_size=120))
def test_any_text_is_refused_or_joined(text):
    """Neither a text nor one with a checksum that holds raises anything but RefusedError."""
    for line in (text, checked(text), "1/1 " + text):
        try:
            held = join(NOTHING, line, 1024)
        except RefusedError:
            continue
        assert held[1] == 1 and (is_whole(held) or len(held[2]) == 57)
