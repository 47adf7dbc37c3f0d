"""Which modules are installed together. What no part names belongs to the base."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from phonehome_tools.linking.promises import ROOMS
from phonehome_tools.linking.seldom import ROOM, SELDOM

BASE: Final = "phonehome"
UMQTT: Final = "umqtt.simple"


@dataclass(frozen=True)
class Part:
    """An optional package: its modules, what it is for, and what it needs beside the base.

    `groups` are those of `linking.seldom` whose methods only it calls.
    """

    modules: tuple[str, ...]
    what: str
    needs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


PARTS: Final[Mapping[str, Part]] = {
    "phonehome-console": Part(
        (
            "phonehome.conversing",
            "phonehome.ports.terminal",
            "phonehome.console.answer",
            "phonehome.console.checking",
            "phonehome.console.commands",
            "phonehome.console.exporting",
            "phonehome.console.faulting",
            "phonehome.console.lines",
            "phonehome.console.owning",
            "phonehome.console.pin",
            "phonehome.console.sensing",
            "phonehome.console.serving",
            "phonehome.console.state",
            "phonehome.console.stimulus",
            "phonehome.console.testing",
            "phonehome.console.words",
            "phonehome.core.reporting.carried",
            "phonehome_wire.owning",
            "phonehome_wire.plain",
            "phonehome_wire.serial",
        ),
        "a console for testers and technicians on the serial line",
        ("phonehome-config",),  # `config NAME VALUE`
    ),
    "phonehome-config": Part(
        (
            "phonehome.core.linkkeys",
            "phonehome.core.pushed",
            "phonehome.core.pushing",
            "phonehome.core.trial",
            "phonehome.core.tuning",
            "phonehome_wire.pushed",
        ),
        "settings that the receiver changes",
    ),
    "phonehome-declare": Part(
        ("phonehome.core.declaring",), "faults that a program declares instead of a product file"
    ),
    "phonehome-enrollment": Part(
        (
            "phonehome.core.enrolling",
            "phonehome_wire.ccm",
            "phonehome_wire.enrollment",
            "phonehome_wire.wrapping",
        ),
        "a key for who has a claim",
        ("phonehome-tls",),
    ),
    "phonehome-http": Part(("phonehome.ports.http",), "reports over HTTP", groups=("http",)),
    "phonehome-mqtt": Part(
        ("phonehome.ports.framing", "phonehome.ports.mqtt", "phonehome.ports.packets"),
        "reports over MQTT",
        (UMQTT,),
        ("mqtt", "talking"),
    ),
    "phonehome-rules": Part(
        (
            "phonehome.core.rarekinds",
            "phonehome.core.rules.buckets",
            "phonehome.core.rules.count",
            "phonehome.core.rules.disagree",
            "phonehome.core.rules.drift",
            "phonehome.core.rules.noise",
            "phonehome.core.rules.rare",
        ),
        "the rules noise, disagree, count and drift",
    ),
    "phonehome-sensors": Part(
        (
            "phonehome.ports.adc",
            "phonehome.ports.curve",
            "phonehome.ports.dht",
            "phonehome.ports.ds18x20",
            "phonehome.ports.function",
            "phonehome.ports.i2c",
            "phonehome.ports.pin",
        ),
        "readers for ADC, pins, DS18x20, DHT and I2C",
    ),
    "phonehome-sleep": Part(
        (
            "phonehome.core.checked",
            "phonehome.core.keepsake",
            "phonehome.core.schedule",
            "phonehome.ports.sleep",
            "phonehome.sleeper",
            "phonehome.voice",
        ),
        "a board that sleeps between samples",
    ),
    "phonehome-tls": Part(
        (
            "phonehome.contacting",
            "phonehome.core.dates",
            "phonehome.core.timeasking",
            "phonehome.ports.asking",
            "phonehome.ports.ntp",
            "phonehome.ports.tls",
        ),
        "https:// and mqtts://, and the time that certificates want",
        ("phonehome-http",),  # asks for the time and for a key
    ),
}


def divide(units: Iterable[str], addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """The modules of every package, by its name; each module is in one.

    `addresses` has the new names of those that moved.
    """
    owner = {
        addresses.get(module, module): name
        for name, part in PARTS.items()
        for module in (*part.modules, *map(_unit_of, part.groups))
    }
    divided: dict[str, list[str]] = {BASE: [], **{name: [] for name in PARTS}}
    for unit in sorted(units):
        divided[owner.get(unit, BASE)].append(unit)
    return divided


def needs_of(package: str) -> list[str]:
    """The packages that mip installs with one, those of its needs among them."""
    if package not in PARTS:
        return []
    found = [BASE]
    for need in PARTS[package].needs:
        found += [need, *needs_of(need)]
    return list(dict.fromkeys(found))


def _unit_of(group: str) -> str:
    """The unit of a group of seldom methods: the linker numbers them."""
    return f"{ROOMS[ROOM]}.{list(SELDOM).index(group)}"
