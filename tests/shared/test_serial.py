"""Messages as lines on a serial console: written, read, and refused when anything is amiss."""

from phonehome_wire import limits
from phonehome_wire.errors import RefusedError, WireError
from phonehome_wire.exported import FINISHED, SIGNED, UNSIGNED, ExportReader
from phonehome_wire.plain import open_plain, wrap_plain
from phonehome_wire.serial import (
    LINE_BYTES,
    MARK,
    MAX_LINE_CHARS,
    NOTHING,
    check,
    checked,
    closing_line,
    crc16,
    done_line,
    is_whole,
    join,
    line_count,
    numbered_line,
    read_number,
)
from tests.shared.golden import DEVICE, load, message_of

FAULT = message_of("fault+freeze frame")


def export(*messages, is_signed=True):
    """The lines of an export as a device prints them."""
    lines = []
    for message in messages:
        lines += [numbered_line(message, i + 1) for i in range(line_count(message))]
        lines.append(closing_line(message, is_signed))
    lines.append(done_line(len(messages), 7))
    return [MARK + line for line in lines]


def read(lines):
    """(what the lines complete, the reasons of what they refuse)."""
    reader, found, reasons = ExportReader(), [], []
    for line in lines:
        try:
            said = reader.take(line)
        except RefusedError as error:
            reasons.append(error.reason)
            continue
        if said is not None:
            found.append(said)
    return found, reasons


def reason_of(function, *args):
    """Why a call refuses, None when it does not."""
    try:
        function(*args)
    except WireError as error:
        return error.reason
    return None


def test_golden_lines():
    """The golden reports are these very lines, and these lines are the golden reports."""
    for vector in load("serial.json")["exports"]:
        message = bytes.fromhex(vector["msg"])
        is_signed = vector["signed"]
        assert export(message, is_signed=is_signed) == vector["lines"], vector["name"]
        kind = SIGNED if is_signed else UNSIGNED
        assert read(vector["lines"]) == ([(kind, message), (FINISHED, (1, 7))], [])


def test_the_checksum_is_the_one_that_has_a_name():
    """CRC-16/CCITT-FALSE of the catalogue's check string, and of nothing."""
    assert crc16("123456789") == 0x29B1
    assert crc16("") == 0xFFFF


def test_the_form_is_as_short_as_the_design_says():
    """A fault of 342 bytes is six lines, none longer than a dumb line buffer."""
    lines = export(FAULT)
    assert len(FAULT) == 342
    assert len(lines) == 6 + 2
    assert max([len(line) for line in lines]) <= len(MARK) + MAX_LINE_CHARS
    assert LINE_BYTES * 4 == 76 * 3


def test_other_lines_between_do_no_harm():
    """What the application prints before, between and on the line of an export is not of it."""
    lines = []
    for line in export(FAULT):
        lines += ["temp=3.5", "#PH2 1/1 AAAA 0000", "", "ph> " + line + "\r\n"]
    assert read(lines) == ([(SIGNED, FAULT), (FINISHED, (1, 7))], [])


def test_every_length_goes_through():
    """Messages of each length around the line's, of any bytes, come out as they went in."""
    head = FAULT[:18]
    sizes = list(range(18, 4 * LINE_BYTES + 2))
    sizes.append(limits.MAX_MESSAGE_BYTES)
    for size in sizes:
        message = (head + bytes([size & 0xFF, 0xFF, 0]) * size)[:size]
        assert read(export(message))[0] == [(SIGNED, message), (FINISHED, (1, 7))], size


def test_a_missing_a_repeated_and_a_swapped_line_are_refused():
    """Whatever one line less, twice or elsewhere: no message, and the next one is whole."""
    lines = export(FAULT)[:-1]
    for i in range(7):
        found, reasons = read(lines[:i] + lines[i + 1 :] + lines)
        assert found == [(SIGNED, FAULT)], i
        assert reasons or i == 6  # without its end a report is not there
        found, reasons = read(lines[: i + 1] + lines[i:] + lines)
        assert found.count((SIGNED, FAULT)) == len(found) == (2 if i in (0, 6) else 1), i
        assert reasons or i == 0  # a first line begins anew
        if i < 6:
            swapped = lines[:i] + lines[i + 1 : i + 2] + lines[i : i + 1] + lines[i + 2 :]
            found, reasons = read(swapped + lines)
            assert found == [(SIGNED, FAULT)] and reasons, i


def test_every_damaged_character_is_found():
    """Each character of each line in turn, changed: the message does not come out."""
    lines = export(FAULT)[:-1]
    for i, line in enumerate(lines):
        for at in range(len(MARK), len(line)):
            other = "A" if line[at] != "A" else "B"
            damaged = list(lines)
            damaged[i] = line[:at] + other + line[at + 1 :]
            found, reasons = read(damaged)
            assert found == [] and reasons, (line, at)


def test_lines_of_two_messages_do_not_mix():
    """With checksums that hold, only the digest tells: lines of equal numbers are not swapped."""
    other = FAULT[:-1] + bytes([FAULT[-1] ^ 1])
    lines, strange = export(FAULT), export(other)
    assert read(lines[:5] + strange[5:6] + lines[6:])[1] == ["digest"]
    longer = export(FAULT + FAULT)
    assert read(lines[:3] + longer[3:6] + lines[6:])[1][0] == "order"


def test_an_export_that_ends_inside_a_report_is_refused():
    """DONE behind half a report says that lines are missing."""
    lines = export(FAULT)
    assert read(lines[:3] + lines[-1:]) == ([], ["order"])


def test_lines_that_are_not_of_the_form_are_named():
    """Each way to be wrong has its reason."""
    wrong = (
        ("1/1 AAAAA", "line"),
        ("1/1 AAAA 0000", "crc"),
        (checked("1/0 AAAA"), "line"),
        (checked("0/1 AAAA"), "line"),
        (checked("2/1 AAAA"), "line"),
        (checked("01/1 AAAA"), "line"),
        (checked("1/1 AAA"), "line"),
        (checked("1/1 AAAB=="), "line"),
        (checked("1/1 A A="), "line"),
        (checked("1/1 " + "A" * 80), "line"),
        (checked("1/2 AAAA"), "line"),
        (checked("1/\u00b2 AAAA"), "line"),
        (checked("-1/2 AAAA"), "line"),
        (checked("2/2 AAAA"), "order"),
        (checked("1/999999 " + "A" * 76), "length"),
    )
    for text, reason in wrong:
        assert reason_of(join, NOTHING, text, 4096) == reason, text
    assert reason_of(ExportReader().take, MARK + "A" * 200) == "line"
    assert reason_of(ExportReader().take, MARK + checked("DONE 1")) == "line"
    assert reason_of(ExportReader().take, MARK + "END 0011223344556677") == "order"
    assert reason_of(read_number, "1234567") == "line"


def test_a_message_is_typed_in_lines_of_bounded_length():
    """What a device is told comes in numbered lines, held as plain values until it is whole."""
    ack = message_of("ack 2 ranges")
    held = NOTHING
    for i in range(line_count(ack)):
        assert not is_whole(held)
        held = join(held, numbered_line(ack, i + 1), 1024)
    assert is_whole(held) and held[2] == ack
    assert reason_of(join, NOTHING, numbered_line(bytes(1100), 1), 1024) == "length"
    again = join(held, numbered_line(ack, 1), 1024)
    assert again[:2] == (2, 1)


def test_what_nobody_signed_says_so():
    """An unsigned report names its device, and neither kind passes for the other."""
    buf = bytearray(100)
    buf[40:43] = b"\xa1\x00\x01"
    start, end = wrap_plain(buf, 43, DEVICE)
    plain = bytes(buf[start:end])
    device, payload = open_plain(plain)
    assert (device, bytes(payload)) == (DEVICE, b"\xa1\x00\x01")
    assert read(export(plain, is_signed=False))[0][0] == (UNSIGNED, plain)
    assert read(export(plain, is_signed=True)) == ([(FINISHED, (1, 7))], ["frame"])
    assert read(export(FAULT, is_signed=False)) == ([(FINISHED, (1, 7))], ["frame"])
    assert reason_of(open_plain, plain[:10]) == "frame"
    assert reason_of(wrap_plain, buf, 43, b"short") == "length"


def test_checked_and_check_are_inverse():
    """What gets a checksum loses it again; without one there is nothing to check."""
    assert check(checked("a b c")) == "a b c"
    assert reason_of(check, "abc") == "line"
