"""Modules that are imported for one call and dropped again: code is most of what heap holds."""

import sys


def forget(*names: str) -> None:
    """Drop modules by their full names; the next import loads them again from flash.

    To be called when nothing that lives on refers to their functions.
    """
    for name in names:
        if sys.modules.pop(name, None) is not None:
            room, _, leaf = name.rpartition(".")
            delattr(sys.modules[room], leaf)
