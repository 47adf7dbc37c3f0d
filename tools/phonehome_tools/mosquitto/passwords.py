"""Mosquitto's password file: names, and salted hashes that it can check and nobody can turn back.

The format is that of mosquitto_passwd since 2.0, `name:$7$rounds$salt$hash`: PBKDF2 with SHA-512,
so passwords never stand in an argument list, as they would when that program were called.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from phonehome_tools.fleet.errors import SetupError

ROUNDS = 101  # mosquitto_passwd's; these passwords are 192 random bits, nobody can guess them
_SALT_BYTES = 12
_HASH_BYTES = 64
_PASSWORD_BYTES = 24


def draw_password() -> str:
    """A password that nobody chose: 32 characters of a URL's alphabet."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def hash_password(password: str) -> str:
    """What the file keeps of a password."""
    salt = os.urandom(_SALT_BYTES)
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, _HASH_BYTES)
    return f"$7${ROUNDS}${_base64(salt)}${_base64(hashed)}"


def read_hashes(path: Path) -> dict[str, str]:
    """The names in a password file with their hashes; empty when there is none yet."""
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        name, colon, hashed = line.partition(":")
        if not (name and colon and hashed.startswith("$")):
            fix = "move it away to draw all passwords anew"
            raise SetupError(f"{path}, line {number}: no name:hash; {fix}")
        found[name] = hashed
    return found


def renew(
    known: Mapping[str, str], names: Collection[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """(hashes, drawn): who stays keeps their hash, who is new gets a password, others are gone."""
    drawn = {name: draw_password() for name in names if name not in known}
    hashes = {
        name: known[name] if name in known else hash_password(drawn[name])
        for name in sorted(names)
    }
    return hashes, drawn


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
