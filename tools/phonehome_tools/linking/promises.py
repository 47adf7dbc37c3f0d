"""What a developer's program may name on a board; the linker leaves it as it is.

The public names of these modules, of their classes, and the parameters of both. Everything else
may be renamed, unless the programs in `OUTSIDE` use it.
"""

from typing import Final

PROMISED: Final = (
    "phonehome",
    "phonehome.agent",
    "phonehome.core.channel",
    "phonehome.core.clock",
    "phonehome.core.errors",
    "phonehome.core.faults",
    "phonehome.core.logring",
    "phonehome.core.product",
    "phonehome.core.rules.predicate",
    "phonehome.core.uptime",
    "phonehome.ports.adc",
    "phonehome.ports.board",
    "phonehome.ports.curve",
    "phonehome.ports.dht",
    "phonehome.ports.ds18x20",
    "phonehome.ports.function",
    "phonehome.ports.i2c",
    "phonehome.ports.pin",
    "phonehome.ports.sleep",
    "phonehome.sleeper",
)

# What the agent asks of a link that somebody else makes.
LINK: Final = ("acks_later", "close", "is_open", "listen", "open", "opened", "reconnects", "send")

# Members of promised modules that only the agent itself calls.
INTERNAL: Final = (
    "active_count",
    "age_ms",
    "ageing_cycles",
    "apply",
    "catalog",
    "entries",
    "evidence",
    "floor_ms",
    "freeze_period_ms",
    "freeze_samples",
    "hear",
    "hear_time",
    "index_of",
    "interval_ms",
    "is_anchored",
    "is_scaled",
    "judge",
    "levels",
    "lines",
    "lost",
    "maybe_find",
    "note_signed",
    "note_test",
    "predicates",
    "restore",
    "server_at_ms",
    "server_ms",
    "snapshot",
    "specs",
    "step_ms",
    "takes_config",
    "tick",
    "wait_ms",
)

# Errors whose texts are for people at a host; what is wrong is told by their reason.
TERSE: Final = ("phonehome_wire.errors",)

# Packages whose texts are for people: none of them is the name of a member.
SPOKEN: Final = ("phonehome.console",)

# Packages whose modules nobody outside names, and where boards have them: a package is on the heap
# as well. What `core.ondemand.rest` drops is in one of its own, and so is what the console drops.
ROOMS: Final = {
    "phonehome.console": "_k",
    "phonehome.core": "_c",
    "phonehome.core.reporting": "_g",
    "phonehome.core.rules": "_c",
    "phonehome.ports": "_c",
    "phonehome.tasks": "_c",
    "phonehome_wire": "_g",
}

# Modules that are part of a larger one on boards and can still be imported by their own names.
IMPORTABLE: Final = (
    "phonehome.core.channel",
    "phonehome.core.clock",
    "phonehome.core.errors",
    "phonehome.core.faults",
    "phonehome.core.logring",
    "phonehome.core.product",
    "phonehome.core.uptime",
)
