"""Parts of the agent that may not be installed: whether they are, and what people read if not."""

import sys

from phonehome.core.ondemand import forget


def is_installed(module: str) -> bool:
    """Whether a module of a part is there; one that was not loaded is not afterwards."""
    if sys.modules.get(module):
        return True
    try:
        __import__(module)
    except ImportError:
        return False
    forget(module)
    return True


def advise(part: str) -> str:
    """The part and the two ways to get it; `part` is its package without "phonehome-"."""
    return (
        "the part %s is not on this board: 'phonehome push' installs it, and so does "
        "'mpremote mip install --index DIR phonehome-%s'" % (part, part)
    )
