"""What stays in memory while the agent runs, and so becomes one module.

Whatever `phonehome.agent` imports at its top belongs to it and is found by itself. Here stands
what is imported by a function, once, and then lives on in objects; each with what keeps it.
"""

from typing import Final

HOME: Final = "phonehome.agent"

RESIDENT: Final = {
    "phonehome.core.birth": "the agent keeps one for every hello",
    "phonehome.core.blackbox": "ready for a crash at any moment",
    "phonehome.core.channel": "the product has one for each sensor",
    "phonehome.core.config": "settings are read all the time",
    "phonehome.core.debounce": "the sampler has one for each fault",
    "phonehome.core.identity": "keys sign each report",
    "phonehome.core.product": "channels and faults of the product",
    "phonehome.core.rules": "makes the rules at the first step, and nobody would forget it",
    "phonehome.core.rules.range": "the kind that every product uses",
    "phonehome.core.traceback": "the black box prints into it",
    "phonehome.ports.retained": "the black box writes into it",
    "phonehome.ports.watchdog": "fed for as long as the agent runs",
}

# Loaded by the product or the board that needs them, and then never dropped.
CHOSEN: Final = {
    "phonehome": "the package itself: what `import phonehome` costs before there is an agent",
    "phonehome.core.rules.missing": "rules of the kind missing",
    "phonehome.core.rules.rate": "rules of the kind rate",
    "phonehome.core.rules.stuck": "rules of the kind stuck",
    "phonehome.core.silence": "a fault that chatters or is on a shelf",
    "phonehome.ports.http": "reports over HTTP",
    "phonehome.ports.mqtt": "reports over MQTT",
    "phonehome.ports.stream": "either transport",
    "phonehome.ports.wifi": "a board with Wi-Fi settings",
    "phonehome.ports.wordcells": "retained memory of an RP2",
    "phonehome.ports.blockcells": "retained memory of other boards",
}
