"""What the parts of a product file must mean together; each check yields its findings."""

from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal

from .fields import Finding
from .lines import Path
from .model import MAX_CHANNELS, MAX_EVENTS, Fault, Product, Rule, Sensor
from .scaling import ScaleError, scale
from .values import Gate
from .vocabulary import KIND_WORDS, NEEDED_WORDS, UNITS, nearest, unit_instead_of

_PRIOR_TOLERANCE = Decimal("0.005")  # thirds written with two decimals are meant as thirds
MILLI = 1000  # fractions of a step are compiled to thousandths, and seconds to milliseconds
FACTORS = {"rate": MILLI, "noise": MILLI}  # by which the limits of a kind are finer than a step


def check_together(product: Product) -> Iterator[Finding]:
    """Yield every contradiction between the parts of a file whose fields are each good."""
    sensors = {sensor.name: sensor for sensor in product.sensors}
    yield from _check_sensors(product)
    yield from _check_duplicates(product)
    for number, fault in enumerate(product.faults):
        path: Path = ("fault", number)
        yield from _check_causes(fault, path)
        yield from _check_rule(fault.rule, (*path, "rule"), sensors)


def _check_sensors(product: Product) -> Iterator[Finding]:
    count = len(product.sensors)
    if count > MAX_CHANNELS:
        what = f"{count} sensors, but a freeze frame holds {MAX_CHANNELS} channels"
        yield ("sensor", MAX_CHANNELS), None, what, f"remove {count - MAX_CHANNELS} of them"
    for number, sensor in enumerate(product.sensors):
        if sensor.unit not in UNITS:
            fix = f'write "{unit_instead_of(sensor.unit)}"'
            yield ("sensor", number, "unit"), sensor.unit, "no unit of SenML or UCUM", fix
    fastest = min(sensor.period_ms for sensor in product.sensors)
    if product.freeze.period_ms < fastest:
        what = f"faster than every sensor (the fastest: {fastest} ms)"
        fix = f"write {fastest} or more"
        yield ("freeze", "period_ms"), product.freeze.period_ms, what, fix


def _check_duplicates(product: Product) -> Iterator[Finding]:
    sensors, faults = product.sensors, product.faults
    yield from find_repeated(("sensor",), "name", [s.name for s in sensors])
    yield from find_repeated(("sensor",), "channel", [s.channel for s in sensors])
    yield from find_repeated(("fault",), "code", [f.code for f in faults])
    yield from find_repeated(("fault",), "id", [(f.id, f.fmi) for f in faults], "id and fmi")
    for number, fault in enumerate(faults):
        yield from find_repeated(("fault", number, "cause"), "id", [c.id for c in fault.causes])


def find_repeated(
    path: Path, key: str, values: Iterable[Hashable], label: str | None = None
) -> Iterator[Finding]:
    """Yield every value that an element of a list has after another one had it."""
    first: dict[Hashable, int] = {}
    for number, value in enumerate(values):
        if value in first:
            what = f"the same {label or key} as {path[-1]} number {first[value] + 1}"
            yield (*path, number, key), value, what, "give each its own"
        first.setdefault(value, number)


def _check_causes(fault: Fault, path: Path) -> Iterator[Finding]:
    total = sum((cause.prior for cause in fault.causes), Decimal(0))
    if abs(total - 1) > _PRIOR_TOLERANCE:
        scaled = ", ".join(f"{cause.prior / total:.2f}" for cause in fault.causes)
        what = f"the priors of the causes sum to {total:f}, not to 1"
        yield (*path, "cause", 0, "prior"), fault.causes[0].prior, what, f"write {scaled}"


def _check_rule(rule: Rule, path: Path, sensors: dict[str, Sensor]) -> Iterator[Finding]:
    yield from _check_words(rule, path)
    if rule.n > rule.m:
        what = f"more than all of the last m = {rule.m} verdicts"
        yield (*path, "n"), rule.n, what, f"write at most {rule.m} or raise m"
    sensor = sensors.get(rule.sensor) if rule.sensor else None
    if rule.sensor and sensor is None:
        yield find_unknown_sensor((*path, "sensor"), rule.sensor, sensors)
    if sensor is not None:
        yield from _check_limits(rule, path, sensor)
        yield from _check_events(rule, path, sensor)
        yield from _check_other(rule, path, sensors)
        yield from _check_scaled((*path, "excess"), rule.excess, sensor, MILLI)
        yield from _check_window(rule, path, sensor)
    for number, gate in enumerate(rule.when):
        yield from _check_gate(gate, (*path, "when", number), sensors)


def find_unknown_sensor(path: Path, name: str, sensors: dict[str, Sensor]) -> Finding:
    """Return what is wrong with a name that none of these sensors has."""
    near = nearest(name, sensors)
    fix = f"did you mean {near}?" if near else f"use one of {', '.join(sensors)}"
    return path, name, "no sensor of this file has this name", fix


def _check_words(rule: Rule, path: Path) -> Iterator[Finding]:
    """A kind of rule has its own words: those it needs, those it may have, those it has not."""
    words = set().union(*KIND_WORDS.values()) - {"deadband"}
    given = {word for word in words if getattr(rule, word) is not None}
    given |= {"deadband"} if rule.deadband else set()
    for word in sorted(given - KIND_WORDS[rule.kind]):
        what = f"a rule of kind {rule.kind} does not use it"
        yield (*path, word), getattr(rule, word), what, "remove it"
    needed = KIND_WORDS[rule.kind] & NEEDED_WORDS if rule.kind != "python" else set()
    for word in sorted(needed - given):
        what = f"a rule of kind {rule.kind} needs it"
        yield (*path, word), None, what, f'add the line "{word} = ..."'
    if "low" in KIND_WORDS[rule.kind] and not given & {"low", "high"}:
        what = f"a rule of kind {rule.kind} needs a limit"
        yield path, None, what, 'add the line "low = ..." or "high = ..." or both'


def _check_limits(rule: Rule, path: Path, sensor: Sensor) -> Iterator[Finding]:
    for word, value in _limits_of(rule).items():
        if rule.kind == "count":
            yield from _check_number_of_events((*path, word), value)
        else:
            yield from _check_scaled((*path, word), value, sensor, FACTORS.get(rule.kind, 1))
    if rule.low is None or rule.high is None:
        return
    if rule.low >= rule.high:
        what = f"not below high = {rule.high}"
        yield (*path, "low"), rule.low, what, "exchange low and high, or remove one"
    elif rule.low + rule.deadband >= rule.high - rule.deadband:
        what = "leaves no value at which the rule would heal"
        half = (rule.high - rule.low) / 2
        yield (*path, "deadband"), rule.deadband, what, f"write less than {half:f}"


def _limits_of(rule: Rule) -> dict[str, Decimal | None]:
    return {"low": rule.low, "high": rule.high, "deadband": rule.deadband}


def _check_number_of_events(path: Path, value: Decimal | None) -> Iterator[Finding]:
    if value is not None and (value != value.to_integral_value() or not 0 <= value <= MAX_EVENTS):
        yield path, value, "not a number of events", f"write a whole number, 0 to {MAX_EVENTS}"


def _check_events(rule: Rule, path: Path, sensor: Sensor) -> Iterator[Finding]:
    yield from _check_scaled((*path, "level"), rule.level, sensor)
    yield from _check_scaled((*path, "rearm"), rule.rearm, sensor)
    if rule.level is not None and rule.rearm is not None and rule.rearm > rule.level:
        what = f"above level = {rule.level}"
        yield (*path, "rearm"), rule.rearm, what, f"write {rule.level:f} or less, or remove it"


def _check_other(rule: Rule, path: Path, sensors: dict[str, Sensor]) -> Iterator[Finding]:
    """A second sensor can only disagree with the first about the same quantity."""
    if rule.other is None:
        return
    other, sensor = sensors.get(rule.other), sensors[rule.sensor or ""]
    if other is None:
        yield find_unknown_sensor((*path, "other"), rule.other, sensors)
    elif other is sensor:
        fix = "name the second sensor of the same quantity"
        yield (*path, "other"), rule.other, "the sensor itself", fix
    elif other.unit != sensor.unit:
        what = f'in "{other.unit}", but {sensor.name} is in "{sensor.unit}"'
        yield (*path, "other"), rule.other, what, f'name a sensor in "{sensor.unit}"'


def _check_scaled(
    path: Path, value: Decimal | None, sensor: Sensor, factor: int = 1
) -> Iterator[Finding]:
    try:
        if value is not None:
            scale(value, sensor.exp, factor)
    except ScaleError as error:
        yield path, value, error.what, error.fix


def _check_window(rule: Rule, path: Path, sensor: Sensor) -> Iterator[Finding]:
    periods = {"rate": 1, "stuck": 2, "missing": 1, "noise": 4, "count": 2}.get(rule.kind, 0)
    if rule.window_ms is not None and rule.window_ms < periods * sensor.period_ms:
        what = f"shorter than {periods} periods of {sensor.name} ({sensor.period_ms} ms)"
        yield (*path, "window_ms"), rule.window_ms, what, f"write {periods * sensor.period_ms}"


def _check_gate(gate: Gate, path: Path, sensors: dict[str, Sensor]) -> Iterator[Finding]:
    sensor = sensors.get(gate.sensor)
    if sensor is None:
        yield find_unknown_sensor((*path, "sensor"), gate.sensor, sensors)
        return
    yield from _check_scaled((*path, "min"), gate.min, sensor)
    yield from _check_scaled((*path, "max"), gate.max, sensor)
    if gate.min is None and gate.max is None:
        yield path, None, "a condition without a limit", "add min or max or both"
    elif gate.min is not None and gate.max is not None and gate.min > gate.max:
        what = f"above max = {gate.max}"
        yield (*path, "min"), gate.min, what, "exchange min and max, or remove one"
