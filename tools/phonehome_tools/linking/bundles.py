"""Modules that are loaded together and become one: for its names, and for a block of flash each.

A name, a path and a leaf of every module that was ever loaded stay on the heap, and a file takes
a block of 4 KB on flash however short it is. What is in the room `reporting` is dropped by
`core.ondemand.rest`, the others by who loaded them. A module that is needed without its neighbours
has no place in a bundle: it would bring them along.
"""

from typing import Final

_DROPPED = "phonehome.core.reporting"
_CORE = "phonehome.core"

BUNDLES: Final = {
    f"{_CORE}.start": (
        "phonehome.assembly",
        "phonehome.core.settings",
        "phonehome.ports.cells",
    ),
    f"{_DROPPED}.past": (
        "phonehome.core.crashes",
        "phonehome.core.lastwords",
        "phonehome.core.resets",
        "phonehome_wire.crash",
    ),
    f"{_DROPPED}.keys": (
        "phonehome.core.claiming",
        "phonehome.core.keychange",
        "phonehome.ports.keyfiles",
        "phonehome_wire.keys",
        "phonehome_wire.rekeying",
    ),
    f"{_DROPPED}.products": (
        "phonehome.core.building",
        "phonehome.core.checks",
        "phonehome.core.loading",
        "phonehome.core.rules.making",
    ),
    f"{_DROPPED}.storage": (
        "phonehome.core.outbox",
        "phonehome.core.recordhead",
        "phonehome.ports.segments",
    ),
    f"{_DROPPED}.speech": (
        "phonehome.core.reporting.records",
        "phonehome.core.reporting.reports",
        "phonehome_wire.encoder",
        "phonehome_wire.head",
        "phonehome_wire.uplink",
        "phonehome_wire.values",
    ),
    f"{_DROPPED}.seals": (
        "phonehome_wire.envelope",
        "phonehome_wire.portable",
    ),
    f"{_DROPPED}.hearing": (
        "phonehome.core.reporting.answers",
        "phonehome_wire.decoder",
        "phonehome_wire.fields",
        "phonehome_wire.heard",
    ),
    f"{_DROPPED}.states": (
        "phonehome.core.faultfile",
        "phonehome.core.faultlife",
        "phonehome.core.shelving",
        "phonehome_wire.fault",
        "phonehome_wire.freeze",
        "phonehome_wire.series",
    ),
    f"{_DROPPED}.beats": (
        "phonehome.core.vitals",
        "phonehome_wire.heartbeat",
        "phonehome_wire.hello",
        "phonehome_wire.log",
        "phonehome_wire.result",
    ),
    f"{_DROPPED}.orders": (
        "phonehome.core.commands",
        "phonehome.core.hands",
        "phonehome.core.logcommands",
        "phonehome.core.resending",
    ),
    f"{_DROPPED}.pushes": (
        "phonehome.core.linkkeys",
        "phonehome.core.pushed",
        "phonehome.core.pushing",
        "phonehome.core.trial",
        "phonehome.core.tuning",
        "phonehome_wire.pushed",
    ),
    f"{_CORE}.contact": (
        "phonehome.contacting",
        "phonehome.core.timeasking",
        "phonehome.ports.asking",
    ),
    f"{_DROPPED}.enrollment": (
        "phonehome.core.enrolling",
        "phonehome_wire.ccm",
        "phonehome_wire.enrollment",
        "phonehome_wire.wrapping",
    ),
    f"{_DROPPED}.rarekinds": ("phonehome.core.rarekinds",),
    f"{_DROPPED}.framing": ("phonehome.ports.framing",),
    f"{_DROPPED}.packets": ("phonehome.ports.packets",),
    f"{_DROPPED}.events": (
        "phonehome.core.events",
        "phonehome.core.phases",
    ),
    # These stay: rules of which a product has mostly several kinds, and the way to a network.
    f"{_CORE}.judging": (
        "phonehome.core.rules.missing",
        "phonehome.core.rules.rate",
        "phonehome.core.rules.stuck",
    ),
    f"{_CORE}.network": (
        "phonehome.ports.stream",
        "phonehome.ports.wifi",
    ),
}
