"""What a product senses and what can go wrong, as the board holds it: loaded or declared.

Everything is checked on adding. What checks, adds and loads is imported when needed, and `load`
drops it again: a board loads one product a boot.
"""

from collections import namedtuple

from phonehome_wire.compat import const

from .ondemand import forget

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .channel import Channel

_CORE = __name__.rpartition(".")[0]

# One fault and its rule, in the order of the product file. Limits in params and gates are steps of
# the sensors' exponents; `sensor` is an index into the product's channels or None; gates are
# (sensor, least or None, greatest or None).
FaultSpec = namedtuple(  # noqa: PYI024  # boards have no typing module
    "FaultSpec",
    (
        "spn",
        "fmi",
        "severity",
        "code",
        "urgent",
        "kind",
        "sensor",
        "params",
        "on_delay_ms",
        "off_delay_ms",
        "n",
        "m",
        "gates",
        "settle_ms",
    ),
)


class Product:
    """Channels and faults in the order in which they were added.

    The freeze frame of a fault has a row every `freeze_period_ms`, at most `freeze_samples`.
    `manifest` is the id of the loaded file on the wire, None for a product declared in Python.
    Raise ProductError.
    """

    def __init__(
        self, name: str, version: int = 0, freeze_period_ms: int = 1000, freeze_samples: int = 16
    ) -> None:
        self.name = name
        self.version = version
        self.manifest: bytes | None = None
        self.freeze_period_ms = freeze_period_ms
        self.freeze_samples = freeze_samples
        self.channels: list[Channel] = []
        self.faults: list[FaultSpec] = []
        self.predicates: dict = {}  # code: function
        from .checks import check_head

        check_head(self)

    def sensor(
        self, name: str, unit: str, exp: int, period_ms: int, channel: "int | None" = None
    ) -> "Channel":
        """Declare a sensor: samples are integers in 10**exp of a SenML or UCUM unit.

        Without `channel` it gets the number after the highest so far. Raise ProductError.
        """
        from .building import add_sensor

        return add_sensor(self, name, unit, exp, period_ms, channel)

    def fault(self, code: str, id: int, fmi: int, severity, kind: str, sensor=None, **words):
        """Declare a fault with the words of a product file, limits in the unit of the sensor.

        `severity` is a name or number of RFC 5424, `kind` range, rate, stuck, missing, noise,
        disagree, count, drift or python. Words: low high deadband window_ms other level rearm
        excess on_delay_ms off_delay_ms n m settle_ms urgent, when = [{"sensor", "min", "max"}],
        predicate = the function of a Python rule. Return the FaultSpec; raise ProductError.
        """
        try:
            from .declaring import declare_fault
        except ImportError:
            from .errors import ProductError
            from .reporting.lacking import advise

            raise ProductError("fault %r: %s" % (code, advise("declare"))) from None
        return declare_fault(self, (code, id, fmi, severity, kind, sensor), words)

    def add(self, spec: FaultSpec) -> None:
        """Add a fault whose limits are scaled already; raise ProductError when it cannot work."""
        from .checks import check_fault

        check_fault(self, spec)
        self.faults.append(spec)

    def rule(self, code: str, predicate) -> None:
        """Give the Python rule of a fault its function; raise ProductError when there is none."""
        from .building import add_rule

        add_rule(self, code, predicate)

    def channel(self, name: str) -> "Channel":
        """Return the sensor with this name; raise ProductError when there is none."""
        return self.channels[self.index_of(name)]

    def index_of(self, name: str) -> int:
        """Return the place of a sensor in `channels`; raise ProductError when there is none."""
        from .building import find_sensor

        return find_sensor(self, name)

    def catalog(self) -> list:
        """Return (channel id, name, unit) of every sensor, ascending, as a hello carries them."""
        return sorted([(channel.id, channel.name, channel.unit) for channel in self.channels])


def load(data: bytes) -> Product:
    """Return the product of a compiled file (`phonehome product build`).

    Raise ProductError when it is damaged, of another format, or contradicts itself.
    """
    from .loading import read_product

    product = read_product(data)
    forget(
        _CORE + ".building",
        _CORE + ".checks",
        _CORE + ".declaring",
        _CORE + ".loading",
        _CORE + ".rarekinds",
        _CORE + ".rules.rare",
    )
    return product
