"""Lines as they are typed on a dumb terminal."""

from phonehome.console.lines import LINE_BYTES, Line


def type_in(line, data):
    """Type bytes; return what was echoed."""
    return "".join([line.take(byte) for byte in data])


def test_a_line_is_echoed_and_ends_with_enter():
    """Characters come back as they are; Return, line feed or both are one end."""
    line = Line()
    for end in (b"\r", b"\n"):
        assert type_in(line, b"status" + end) == "status\n"
        assert line.is_done
        assert line.end() == "status"
        assert not line.is_done
    type_in(line, b"one\r")
    assert line.end() == "one"
    assert type_in(line, b"\ntwo\r") == "two\n"
    assert line.end() == "two"


def test_mistakes_are_taken_back():
    """Backspace and Delete take a character, Ctrl-U all; none goes beyond the beginning."""
    line = Line()
    assert type_in(line, b"\x7fab\x08c\x7f\x7f\x7f\x7fd") == "ab\b \bc\b \b\b \bd"
    assert type_in(line, b"ef\x15") == "ef" + 3 * "\b \b"
    type_in(line, b"net\r")
    assert line.end() == "net"


def test_noise_is_no_part_of_a_line():
    """Bytes that are no ASCII, control characters and cursor keys leave nothing behind."""
    line = Line()
    type_in(line, b"\xff\xc3\x00s\x01t\x1b[Aa\x1b[3~t\x1bOHu\x1bx\xe2\x82\xacs\r")
    assert line.end() == "status"


def test_a_long_line_is_told_and_does_not_grow():
    """What has more bytes than there is room is None; the next line is itself again."""
    line = Line()
    type_in(line, b"x" * LINE_BYTES + b"\r")
    assert line.end() == "x" * LINE_BYTES
    type_in(line, b"x" * (LINE_BYTES + 1) + b"\r")
    assert line.end() is None
    type_in(line, b"help\r")
    assert line.end() == "help"


def test_a_secret_is_not_echoed_and_not_kept():
    """Nothing but the end is echoed, and the buffer is zero afterwards."""
    line = Line()
    line.is_hidden = True
    assert type_in(line, b"12345\x7f\x15678\r") == "\n"
    assert line.end() == "678"
    assert bytes(line._buf) == bytes(LINE_BYTES)


def test_ctrl_d_leaves_from_an_empty_line_only():
    """In the middle of a line it is nothing."""
    line = Line()
    type_in(line, b"a\x04")
    assert not line.is_left
    type_in(line, b"\x7f\x04")
    assert line.is_left
