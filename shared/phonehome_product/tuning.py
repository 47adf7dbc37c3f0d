"""Parameters of rules that are changed for one device, without a new product file.

What may be changed and what it may be is decided by the same checks as the file itself, so that no
device gets a rule that could not stand there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import ValidationError

from phonehome_wire.pushed import KIND_PARAMS, RULE_WORDS, rule_key

from .checks import check_together
from .device_half import compile_fault
from .fields import find_in_fields
from .model import Fault, Product, Rule
from .vocabulary import KINDS

TIMING = {"on_delay_ms": 8, "off_delay_ms": 9, "n": 10, "m": 11, "settle_ms": 13}
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
    """What a device is to be sent for changes as in {"E21.low": 4.5}, in the sensor's unit.

    Raises TuneError with every problem.
    """
    problems: list[tuple[str, object, str]] = []
    by_code: dict[str, dict[str, int | float | Decimal]] = {}
    for name, value in changes.items():
        code, _, word = name.partition(".")
        fault = _find(product, code)
        if fault is None or word not in words_of(fault):
            problems.append((name, value, _fix_name(product, fault)))
        else:
            by_code.setdefault(code, {})[word] = value
    tuned: list[Tuned] = []
    for code, words in by_code.items():
        tuned += _tune_fault(product, code, words, problems)
    if problems:
        raise TuneError(problems)
    return tuned


def words_of(fault: Fault) -> list[str]:
    """The words of a fault's rule that can be changed."""
    own = KIND_PARAMS[KINDS[fault.rule.kind]]
    return [word for word in RULE_WORDS if word in own or word in TIMING]


def _tune_fault(
    product: Product,
    code: str,
    words: Mapping[str, int | float | Decimal],
    problems: list[tuple[str, object, str]],
) -> list[Tuned]:
    changed, found = _change(product, code, words)
    if changed is None or found:
        problems += found
        return []
    fault = _find(changed, code)
    if fault is None:
        return []
    row = compile_fault(changed, fault)
    own = KIND_PARAMS[KINDS[fault.rule.kind]]
    return [
        Tuned(
            rule_key(fault.id, fault.fmi, word),
            f"{code}.{word}",
            row[TIMING[word]] if word in TIMING else row[_PARAMS][own.index(word)],
        )
        for word in words
    ]


def _change(
    product: Product, code: str, words: Mapping[str, int | float | Decimal]
) -> tuple[Product | None, list[tuple[str, object, str]]]:
    """The product with other words in one rule, and what is wrong with that."""
    number = next(i for i, fault in enumerate(product.faults) if fault.code == code)
    fault = product.faults[number]
    given = {word: _exact(value) for word, value in words.items()}
    before = fault.rule.model_dump(exclude_defaults=True)
    try:
        rule = Rule.model_validate({**before, **given})
    except ValidationError as error:
        return None, [
            (f"{code}.{path[-1]}", value, fix) for path, value, _, fix in find_in_fields(error)
        ]
    faults = list(product.faults)
    faults[number] = fault.model_copy(update={"rule": rule})
    changed = product.model_copy(update={"faults": tuple(faults)})
    found = [
        (f"{code}.{path[-1]}", value, f"{what}; {fix}")
        for path, value, what, fix in check_together(changed)
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
