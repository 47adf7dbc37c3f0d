"""Rules and periods of sensors that are changed for one device, without a new product file.

What may be changed and what it may be is decided by the same checks as the file itself, so that no
device gets a rule that could not stand there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from phonehome_wire.pushed import KIND_PARAMS, RULE_WORDS, rule_key, sensor_key

from .checks import check_together
from .device_half import compile_fault
from .fields import FieldsError, read_section
from .model import Fault, Product, Rule, Sensor
from .values import said
from .vocabulary import KINDS

TIMING = {"on_delay_ms": 8, "off_delay_ms": 9, "n": 10, "m": 11, "settle_ms": 13}
_PERIOD = "period_ms"
_PARAMS = 7  # the places in the compiled row of a fault


@dataclass(frozen=True, slots=True)
class Tuned:
    """One parameter by its key on the wire, with its name and its scaled value."""

    key: int
    name: str
    value: int


class TuneError(ValueError):
    """Changes that cannot be made; `problems` are (name, value, what to write instead)."""

    def __init__(self, problems: list[tuple[str, object, str]]) -> None:
        """Take at least one problem."""
        self.problems = problems
        super().__init__("; ".join(f"{name}: {fix}" for name, _, fix in problems))


def tune(product: Product, changes: Mapping[str, int | float | Decimal]) -> list[Tuned]:
    """What a device is to be sent for changes as in {"E21.low": 4.5, "water.period_ms": 500}.

    Limits are in the sensor's unit. Raises TuneError with every problem.
    """
    problems: list[tuple[str, object, str]] = []
    tuned: list[Tuned] = []
    periods = {name: value for name, value in changes.items() if name.endswith(f".{_PERIOD}")}
    product = _change_periods(product, periods, tuned, problems)
    by_code: dict[str, dict[str, int | float | Decimal]] = {}
    for name, value in changes.items():
        if name in periods:
            continue
        code, _, word = name.partition(".")
        fault = _find(product, code)
        if fault is None or word not in words_of(fault):
            problems.append((name, value, _fix_name(product, fault)))
        else:
            by_code.setdefault(code, {})[word] = value
    for code, words in by_code.items():
        product = _tune_fault(product, code, words, tuned, problems)
    if periods and not problems:
        problems += _check_periods(product, periods)
    if problems:
        raise TuneError(problems)
    return tuned


def _change_periods(
    product: Product,
    periods: Mapping[str, int | float | Decimal],
    tuned: list[Tuned],
    problems: list[tuple[str, object, str]],
) -> Product:
    """The product with other periods of its sensors; rules must get on with them."""
    sensors = list(product.sensors)
    names = [sensor.name for sensor in sensors]
    for name, value in periods.items():
        sensor = name.partition(".")[0]
        if sensor not in names:
            problems.append((name, value, f"a sensor of {product.name}: {', '.join(names)}"))
            continue
        place = names.index(sensor)
        try:
            changed = {**said(sensors[place]), _PERIOD: _exact(value)}
            sensors[place] = read_section(Sensor, changed)
        except FieldsError as error:
            problems += [(name, value, fix) for _, _, _, fix in error.findings]
            continue
        tuned.append(Tuned(sensor_key(sensors[place].channel), name, sensors[place].period_ms))
    return replace(product, sensors=tuple(sensors))


def _check_periods(
    product: Product, periods: Mapping[str, int | float | Decimal]
) -> Iterator[tuple[str, object, str]]:
    """What the changed product cannot do with its new periods, each with one of them."""
    for path, _, what, fix in check_together(product):
        owner = product.faults[int(path[1])].rule.sensor if path[0] == "fault" else None
        name = f"{owner}.{_PERIOD}" if f"{owner}.{_PERIOD}" in periods else next(iter(periods))
        yield name, periods[name], f"{'.'.join(map(str, path))} would be {what}; {fix}"


def words_of(fault: Fault) -> list[str]:
    """The words of a fault's rule that can be changed."""
    own = KIND_PARAMS[KINDS[fault.rule.kind]]
    return [word for word in RULE_WORDS if word in own or word in TIMING]


def _tune_fault(
    product: Product,
    code: str,
    words: Mapping[str, int | float | Decimal],
    tuned: list[Tuned],
    problems: list[tuple[str, object, str]],
) -> Product:
    """The product with other words in one rule, noted in `tuned`; or as it is, and `problems`."""
    changed, found = _change(product, code, words)
    fault = _find(changed, code) if changed is not None else None
    if changed is None or fault is None or found:
        problems += found
        return product
    row = compile_fault(changed, fault)
    own = KIND_PARAMS[KINDS[fault.rule.kind]]
    tuned += [
        Tuned(
            rule_key(fault.id, fault.fmi, word),
            f"{code}.{word}",
            row[TIMING[word]] if word in TIMING else row[_PARAMS][own.index(word)],
        )
        for word in words
    ]
    return changed


def _change(
    product: Product, code: str, words: Mapping[str, int | float | Decimal]
) -> tuple[Product | None, list[tuple[str, object, str]]]:
    """The product with other words in one rule, and what is wrong with that."""
    number = next(i for i, fault in enumerate(product.faults) if fault.code == code)
    fault = product.faults[number]
    given = {word: _exact(value) for word, value in words.items()}
    try:
        rule = read_section(Rule, {**said(fault.rule), **given})
    except FieldsError as error:
        return None, [(f"{code}.{path[-1]}", value, fix) for path, value, _, fix in error.findings]
    faults = list(product.faults)
    faults[number] = replace(fault, rule=rule)
    changed = replace(product, faults=tuple(faults))
    found = [
        (f"{code}.{path[-1]}", value, f"{what}; {fix}")
        for path, value, what, fix in check_together(changed)
        if path[:2] == ("fault", number)
    ]
    return changed, found


def _exact(value: float | Decimal) -> int | Decimal:
    """A number as somebody wrote it, not as binary fractions hold it."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def _find(product: Product, code: str) -> Fault | None:
    return next((fault for fault in product.faults if fault.code == code), None)


def _fix_name(product: Product, fault: Fault | None) -> str:
    if fault is None:
        codes = ", ".join(fault.code for fault in product.faults)
        return f"a fault of {product.name} and a word of its rule; faults: {codes}"
    return f"one of {', '.join(f'{fault.code}.{word}' for word in words_of(fault))}"
