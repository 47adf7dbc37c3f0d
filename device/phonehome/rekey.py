"""Command 6: the next key of the device, joined with the files that keep it; loaded on demand."""

from .core.keychange import forget_keychange, rotate
from .core.ondemand import forget
from .ports.keyfiles import open_keys


def execute(args: dict, config, identity, reporter, now_ms: int, tell) -> tuple:
    """Carry out the command: (RESULT_*, the epoch in use or None); a new key says hello."""
    done = rotate(args, identity, open_keys(config.key), tell)
    if identity.change is not None:
        reporter.add_hello(now_ms)
    forget(__name__)
    forget_keychange()
    return done
