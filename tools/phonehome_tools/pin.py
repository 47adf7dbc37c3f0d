"""`phonehome pin`: makes the setting `pin` of phonehome.json from a technician's PIN.

The PIN is asked for without echo, or read from the standard input; never from the command line.
"""

import argparse
import getpass
import hashlib
import json
import os
import sys

from phonehome_tools.cable.errors import UsageError, complain

KIND = "pbkdf2-sha256"
# 0.9 s of an RP2040 at 125 MHz (0.44 ms each, measured), in turns of 9 ms.
ITERATIONS = 2000
SALT_BYTES = 16
SHORTEST, LONGEST = 4, 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing but what a PIN is."""
    parser.epilog = f"""
Prints the line for phonehome.json. A PIN is {SHORTEST} to {LONGEST} printable ASCII characters
without spaces. It guards commands of the console against the wrong hand; whoever can reach the
board's Python prompt owns the board.
"""


def run(_args: argparse.Namespace) -> int:
    """Ask twice at a terminal, else read one line; print the setting."""
    try:
        pin = _read_pin()
        check_pin(pin)
    except UsageError as error:
        return complain("pin", error)
    print(f'"pin": {json.dumps(hash_pin(pin, os.urandom(SALT_BYTES)))}')
    return 0


def hash_pin(pin: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """What a board checks a PIN against; see device/phonehome/console/pin.py."""
    digest = hashlib.pbkdf2_hmac("sha256", pin.encode(), salt, iterations)
    return f"{KIND}${iterations}${salt.hex()}${digest.hex()}"


def check_pin(pin: str) -> None:
    """UsageError for one that cannot be typed at a dumb terminal, or is too short."""
    if not SHORTEST <= len(pin) <= LONGEST or not all("!" <= char <= "~" for char in pin):
        raise UsageError(
            f"this PIN cannot be used: want {SHORTEST} to {LONGEST} characters without spaces",
            "digits are typed fastest: six of them",
        )


def _read_pin() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip("\r\n")
    pin = getpass.getpass("PIN: ")
    if getpass.getpass("again: ") != pin:
        raise UsageError("the two are not the same", "type it again")
    return pin
