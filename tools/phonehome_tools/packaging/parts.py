"""Which modules are installed together. What no part names belongs to the base."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

BASE: Final = "phonehome"
UMQTT: Final = "umqtt.simple"


@dataclass(frozen=True)
class Part:
    """An optional package: its modules, what it is for, and what it needs beside the base."""

    modules: tuple[str, ...]
    what: str
    needs: tuple[str, ...] = ()


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
    ),
    "phonehome-mqtt": Part(
        ("phonehome.ports.framing", "phonehome.ports.mqtt", "phonehome.ports.packets"),
        "reports over MQTT",
        (UMQTT,),
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
}


def divide(units: Iterable[str], addresses: Mapping[str, str]) -> dict[str, list[str]]:
    """The modules of every package, by its name; each module is in one.

    `addresses` has the new names of those that moved.
    """
    owner = {
        addresses.get(module, module): name
        for name, part in PARTS.items()
        for module in part.modules
    }
    divided: dict[str, list[str]] = {BASE: [], **{name: [] for name in PARTS}}
    for unit in sorted(units):
        divided[owner.get(unit, BASE)].append(unit)
    return divided


def needs_of(package: str) -> list[str]:
    """The packages that mip installs with one."""
    if package not in PARTS:
        return []
    return [BASE, *PARTS[package].needs]
