"""Which crashes are the same one: a name that is equal over a fleet and from build to build.

Rule 1: the type of the exception, or for what raised none the kind of the crash and the name of
the stuck task; then of every frame the file without folder and extension, and the function.
Line numbers, messages and memory sizes move; those do not. A rule never changes: a better one gets
the next number, which is the first part of the fingerprint.
"""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from phonehome_wire.names import CRASHKIND_NAMES
from phonehome_wire.registry import CRASHKIND_EXCEPTION, CRASHKIND_OUT_OF_MEMORY

RULE: Final = 1
_DIGITS: Final = 16
_RAISED: Final = (CRASHKIND_EXCEPTION, CRASHKIND_OUT_OF_MEMORY)


def fingerprint_of(body: Mapping[str, Any]) -> str:
    """The fingerprint of a crash body with names for keys, as `name_body` makes it: `1-<hex>`."""
    parts = [_cause(body)]
    parts += [f"{_place(file)}:{function}" for file, _, function in body.get("frames", [])]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"{RULE}-{digest[:_DIGITS]}"


def _cause(body: Mapping[str, Any]) -> str:
    """What it began with: an exception, or a reset and the task that was stuck."""
    kind = body["kind"]
    if kind in _RAISED:
        return str(body.get("exception", ""))
    return f"{CRASHKIND_NAMES.get(kind, str(kind))} {body.get('exception', '')}".strip()


def _place(file: str | int) -> str:
    """A file by its bare name; a number is a place in the build's table of strings."""
    return f"#{file}" if isinstance(file, int) else PurePosixPath(file).stem
