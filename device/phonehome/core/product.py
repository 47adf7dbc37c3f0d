"""What a product senses and what can go wrong, as the board holds it: loaded or declared."""

import hashlib

from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError
from phonehome_wire.limits import MAX_EXP, MAX_FREEZE_CHANNELS, MAX_PERIOD_MS, MAX_SAMPLES

from .channel import Channel
from .checks import MAX_MS, ProductError, check_fault, check_int, check_limits, check_text
from .rules import KIND_PYTHON

_FORMAT = 1
_MAX_FILE_BYTES = 16384
_MAX_FAULTS = 64
_MAX_VERSION = 2**30 - 1


class FaultSpec:
    """One fault and its rule; limits in `params` and `gates` are steps of the sensors' exponents.

    `sensor` is an index into the product's channels or None, `gates` are (index, least or None,
    greatest or None), `predicate` is the function of a Python rule.
    """

    def __init__(self, code: str, identity, judged, timing, gates, urgent: bool = False) -> None:
        self.code = code
        self.spn, self.fmi, self.severity = identity
        self.urgent = urgent
        self.kind, self.sensor, self.params = judged
        self.on_delay_ms, self.off_delay_ms, self.n, self.m, self.settle_ms = timing
        self.gates = gates
        self.predicate = None


class Product:
    """Channels and faults in the order in which they were added; everything is checked on adding.

    `manifest` is the id of the loaded file on the wire, None for a product declared in Python.
    """

    def __init__(
        self, name: str, version: int = 0, freeze_period_ms: int = 1000, freeze_samples: int = 16
    ) -> None:
        check_text("product", "name", name, 32)
        check_int("product", "version", version, 0, _MAX_VERSION)
        check_int("freeze", "period_ms", freeze_period_ms, 1, MAX_PERIOD_MS)
        check_int("freeze", "samples", freeze_samples, 1, MAX_SAMPLES)
        self.name = name
        self.version = version
        self.manifest: bytes | None = None
        self.freeze_period_ms = freeze_period_ms
        self.freeze_samples = freeze_samples
        self.channels: list[Channel] = []
        self.faults: list[FaultSpec] = []

    def sensor(
        self, name: str, unit: str, exp: int, period_ms: int, channel: "int | None" = None
    ) -> Channel:
        """Declare a sensor: samples are integers in 10**exp of a SenML or UCUM unit.

        Without `channel` it gets the number after the highest so far. Raise ProductError.
        """
        if channel is None:
            channel = 1 + max([c.id for c in self.channels], default=-1)
        where = "sensor %r" % (name,)
        check_text(where, "name", name, 24)
        check_text(where, "unit", unit, 12, shortest=0)
        check_int(where, "channel", channel, 0, 255)
        check_int(where, "exp", exp, -MAX_EXP, MAX_EXP)
        check_int(where, "period_ms", period_ms, 1, MAX_MS)
        if len(self.channels) == MAX_FREEZE_CHANNELS:
            raise ProductError(
                "%s: a product has at most %d sensors" % (where, MAX_FREEZE_CHANNELS)
            )
        for other in self.channels:
            if other.name == name or other.id == channel:
                raise ProductError(
                    "%s: channel %d or its name is %r already; give each its own"
                    % (where, channel, other.name)
                )
        added = Channel(channel, name, unit, exp, period_ms)
        self.channels.append(added)
        return added

    def fault(self, code: str, id: int, fmi: int, severity, kind: str, sensor=None, **words):
        """Declare a fault with the words of a product file, limits in the unit of the sensor.

        `severity` is a name or number of RFC 5424, `kind` range, rate, stuck, missing or python.
        Words: low high deadband window_ms on_delay_ms off_delay_ms n m settle_ms urgent, when =
        [{"sensor", "min", "max"}], predicate = the function of a Python rule. Return the FaultSpec;
        raise ProductError.
        """
        from .declaring import declare_fault

        return declare_fault(self, (code, id, fmi, severity, kind, sensor), words)

    def rule(self, code: str, predicate) -> None:
        """Give the Python rule of a fault its function; raise ProductError when there is none."""
        for spec in self.faults:
            if spec.code == code and spec.kind == KIND_PYTHON:
                if not callable(predicate):
                    raise ProductError(
                        "fault %s: predicate = %r; give a function" % (code, predicate)
                    )
                spec.predicate = predicate
                return
        raise ProductError("fault %r: no fault of kind python has this code" % (code,))

    def channel(self, name: str) -> Channel:
        """Return the sensor with this name; raise ProductError when there is none."""
        return self.channels[self.index_of(name)]

    def index_of(self, name: str) -> int:
        """Return the place of a sensor in `channels`; raise ProductError when there is none."""
        for index, channel in enumerate(self.channels):
            if channel.name == name:
                return index
        names = ", ".join([channel.name for channel in self.channels])
        raise ProductError("sensor %r: the product has %s" % (name, names or "none"))

    def catalog(self) -> list:
        """Return (channel id, name, unit) of every sensor, ascending, as a hello carries them."""
        return sorted([(channel.id, channel.name, channel.unit) for channel in self.channels])

    def add(self, spec: FaultSpec) -> None:
        """Add a fault whose limits are scaled already; raise ProductError when it cannot work."""
        where = "fault %r" % (spec.code,)
        check_fault(where, spec)
        self._check_sensor(where, spec)
        for gate in spec.gates:
            self._check_gate(where, gate)
        self._check_room(where, spec)
        self.faults.append(spec)

    def _check_sensor(self, where: str, spec: FaultSpec) -> None:
        if spec.sensor is None and spec.kind == KIND_PYTHON:
            return
        check_int(where, "sensor", spec.sensor, 0, len(self.channels) - 1)

    def _check_gate(self, where: str, gate) -> None:
        if not isinstance(gate, (list, tuple)) or len(gate) != 3:
            raise ProductError("%s: when = %r; want [sensor, min, max]" % (where, gate))
        check_int(where, "when.sensor", gate[0], 0, len(self.channels) - 1)
        check_limits(where, "when.min", gate[1], gate[2])

    def _check_room(self, where: str, spec: FaultSpec) -> None:
        if len(self.faults) == _MAX_FAULTS:
            raise ProductError("%s: a product has at most %d faults" % (where, _MAX_FAULTS))
        for other in self.faults:
            if other.code == spec.code or (other.spn, other.fmi) == (spec.spn, spec.fmi):
                raise ProductError(
                    "%s: the code, or id %r with fmi %r, is that of %s; give each its own"
                    % (where, spec.spn, spec.fmi, other.code)
                )


def load(data: bytes) -> Product:
    """Return the product of a compiled file (`phonehome product build`).

    Raise ProductError when it is damaged, of another format, or contradicts itself.
    """
    try:
        parts = decode(data, max_bytes=_MAX_FILE_BYTES)
    except WireError as error:
        raise ProductError("product file: %s; build it again" % error) from None
    if not isinstance(parts, dict) or parts.get(0) != _FORMAT:
        raise ProductError("product file: not of format %d; build it for this agent" % _FORMAT)
    freeze = _expect_list("product file", "freeze", parts.get(3), 2)
    product = Product(parts.get(1), parts.get(2), freeze[0], freeze[1])
    for row in _expect_list("product file", "sensors", parts.get(4)):
        number, name, unit, exp, period_ms = _expect_list("sensor", "fields", row, 5)
        product.sensor(name, unit, exp, period_ms, number)
    for row in _expect_list("product file", "faults", parts.get(5)):
        product.add(_spec_of(_expect_list("fault", "fields", row, 14)))
    product.manifest = hashlib.sha256(data).digest()[:4]
    return product


def _spec_of(row: list) -> FaultSpec:
    where = "fault %r" % (row[3],)
    params = tuple(_expect_list(where, "params", row[7]))
    gates = tuple(
        [
            tuple(_expect_list(where, "when", gate, 3))
            for gate in _expect_list(where, "when", row[12])
        ]
    )
    timing = (row[8], row[9], row[10], row[11], row[13])
    return FaultSpec(row[3], row[:3], (row[5], row[6], params), timing, gates, bool(row[4]))


def _expect_list(where: str, field: str, value, length: "int | None" = None) -> list:
    if not isinstance(value, list) or length not in (None, len(value)):
        want = "a list" if length is None else "a list of %d" % length
        raise ProductError(
            "%s: %s = %r; want %s, build the file again" % (where, field, value, want)
        )
    return value
