"""Become another program that ends when its parent does: `tether PROGRAM ARG ...`.

A parent that is killed cannot clean up, so the kernel is asked to (Linux; elsewhere this only
executes the program). The process id stays the same, so ending it by id ends the program.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def ask_to_end_with_parent() -> None:
    """Ask the kernel to send SIGTERM to this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Tie this process to its parent and become the program named by the arguments."""
    parent = os.getppid()
    ask_to_end_with_parent()
    if os.getppid() == parent:
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
