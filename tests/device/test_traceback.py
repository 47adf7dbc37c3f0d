"""Tracebacks: the newest frames of an exception in memory that was there before."""

import sys

from phonehome.core.blackbox import HEAD_BYTES
from phonehome.core.lastwords import crash_of
from phonehome.core.traceback import Traceback


def print_exception(error, stream):
    """Print as the interpreter does."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, stream)
    else:
        import traceback

        traceback.print_exception(error, file=stream)


def fail(depth):
    """Raise, some calls deep."""
    if depth:
        return fail(depth - 1)
    raise ValueError("too deep")


def caught(depth):
    """The exception of a failure."""
    try:
        fail(depth)
    except ValueError as error:
        return error


def read(traceback):
    """The crash of a printed traceback alone."""
    return crash_of(bytes(HEAD_BYTES), traceback.text, traceback.used, b"")


def test_frames_are_read():
    """File, line and function of every frame, outermost first."""
    traceback = Traceback(2000)
    print_exception(caught(2), traceback)
    frames = read(traceback).frames
    assert [frame[2] for frame in frames] == ["caught", "fail", "fail", "fail"]
    assert all("test_traceback" in frame[0] and frame[1] > 0 for frame in frames)


def test_the_newest_frames_stay():
    """Too many frames push out the outer ones, which are counted; the innermost stays."""
    traceback = Traceback(300)
    traceback.write('  File "outer.py", line 1, in main\n')
    for number in range(40):
        traceback.write(b'  File "main.py", line %d, in run\n' % number)
    frames = read(traceback).frames
    assert frames[-1] == ("main.py", 39, "run")
    assert 5 < len(frames) < 12
    assert traceback.lost_lines + len(frames) == 41
    traceback.clear()
    assert read(traceback).frames == []


def test_one_endless_line_is_survived():
    """Text without an end of line neither grows nor fails."""
    traceback = Traceback(100)
    traceback.write("x" * 1000)
    assert read(traceback).frames == []
