"""Problems of single fields: pydantic's findings, said with the words and fixes of this file."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .lines import Path
from .model import Cause, Fault, Freeze, Head, Product, Rule, Sensor
from .service import (
    Action,
    Article,
    Ask,
    Command,
    Evidence,
    Idle,
    Part,
    Proof,
    Service,
    Step,
    Tariff,
    Usage,
    Wording,
)
from .values import (
    BUILD_PATTERN,
    CODE_PATTERN,
    CURRENCY_PATTERN,
    LANGUAGE_PATTERN,
    MAX_NUMBER,
    MIN_LIKELIHOOD,
    NAME_PATTERN,
    NUMBER_PATTERN,
    PICTURE_PATTERN,
    Gate,
    Section,
    keys_of,
)
from .vocabulary import nearest

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

S = TypeVar("S", bound=Section)

Finding: TypeAlias = tuple[Path, object, str, str]  # where, the value there, what, fix

_TABLES: dict[tuple[str, ...], type[Section]] = {
    (): Product,
    ("product",): Head,
    ("freeze",): Freeze,
    ("sensor",): Sensor,
    ("fault",): Fault,
    ("fault", "rule"): Rule,
    ("fault", "rule", "when"): Gate,
    ("fault", "cause"): Cause,
    ("fault", "evidence"): Evidence,
    ("fault", "evidence", "when"): Gate,
    ("fault", "ask"): Ask,
    ("fault", "action"): Action,
    ("service",): Service,
    ("service", "idle"): Idle,
    ("service", "tariff"): Tariff,
    ("part",): Part,
    ("article",): Article,
    ("article", "text"): Wording,
    ("article", "text", "step"): Step,
    ("article", "text", "step", "proof"): Proof,
    ("command",): Command,
    ("usage",): Usage,
}

_PATTERNS = {
    NAME_PATTERN: (
        "not a name",
        "use a to z, 0 to 9 and _, a letter first, at most 24 of them, such as water_level",
    ),
    CODE_PATTERN: (
        "not a code",
        "use A to Z and 0 to 9, a letter first, at most 8 of them, such as E21",
    ),
    NUMBER_PATTERN: (
        "not a part number",
        "use A to Z, 0 to 9, - and ., at most 24 of them, such as WM-PUMP-01",
    ),
    LANGUAGE_PATTERN: ("not a language", "use the two letters of ISO 639-1, such as en or de"),
    CURRENCY_PATTERN: ("not a currency", "use the three letters of ISO 4217, such as EUR"),
    BUILD_PATTERN: (
        "not how a build id begins",
        "use 2 to 16 of 0 to 9 and a to f, as the application's setting `build` has them",
    ),
    PICTURE_PATTERN: (
        "not the name of a picture",
        "use a to z, 0 to 9 and _, and .svg, .png or .jpg, such as filter_cap.svg",
    ),
}

_Context: TypeAlias = dict[str, Any]
_MESSAGES: dict[str, Callable[[_Context], tuple[str, str]]] = {
    "int_type": lambda _: ("not a whole number", "write digits only, without quotes or point"),
    "int_from_float": lambda _: ("not a whole number", "write digits only, without a point"),
    "string_type": lambda _: ("not a text", 'put it in "quotes"'),
    "bool_type": lambda _: ("neither true nor false", "write true or false, without quotes"),
    "number_type": lambda _: ("not a number", "write a number such as 4.5, without quotes"),
    "number_range": lambda _: (
        "not a number that a board can compare",
        f"write one between -{MAX_NUMBER} and {MAX_NUMBER}",
    ),
    "likelihood_range": lambda _: (
        "not a likelihood: nothing that is seen is certain",
        f"write one between {MIN_LIKELIHOOD} and {1 - MIN_LIKELIHOOD}",
    ),
    "greater_than": lambda c: ("too small", f"write more than {c['gt']}"),
    "greater_than_equal": lambda c: ("too small", f"write {c['ge']} or more"),
    "less_than_equal": lambda c: ("too large", f"write {c['le']} or less"),
    "decimal_max_places": lambda _: (
        "finer than money is",
        "write at most 2 digits behind the point",
    ),
    "string_too_short": lambda _: ("empty", "write at least one character"),
    "string_too_long": lambda c: ("too long", f"use at most {c['max_length']} characters"),
    "string_pattern_mismatch": lambda c: _PATTERNS[c["pattern"]],
    "literal_error": lambda c: ("not a known word", f"write one of {c['expected']}"),
    "too_short": lambda c: ("empty", f"give at least {c['min_length']}"),
    "too_long": lambda c: ("too many", f"keep at most {c['max_length']}"),
    "tuple_type": lambda _: ("not a list of tables", "write it as [[...]] or as [{...}]"),
    "command_code": lambda _: (
        "not a command",
        'write the name of one of the agent in quotes, such as "reboot", or 128 to 255',
    ),
    "dict_type": lambda _: ("not a table", "write it as {key = value}"),
    "dataclass_type": lambda _: ("not a table", "write it as a [section] or as {key = value}"),
}


Tables: TypeAlias = Mapping[tuple[str, ...], type[Section]]


class FieldsError(ValueError):
    """Fields that cannot be what they are; `findings` are (path, value, what, fix)."""

    def __init__(self, findings: list[Finding]) -> None:
        """Take at least one finding."""
        self.findings = findings
        super().__init__("; ".join(".".join(map(str, path)) for path, *_ in findings))


def read_section(kind: type[S], raw: object, tables: Tables = _TABLES) -> S:
    """Return the section in the tables of a file; raise FieldsError with every wrong field.

    `tables` says which section stands where, for the names of keys that are known there.
    """
    # pydantic: it reports every wrong field at once. Loaded here, as values.py tells.
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        section: S = _adapter(kind).validate_python(raw)  # type: ignore[arg-type]  # it has a hash
    except ValidationError as error:
        raise FieldsError(list(_find(error, tables))) from error
    return section


@cache
def _adapter(kind: type[Section]) -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - as above

    return TypeAdapter(kind)


def _find(error: "ValidationError", tables: Tables) -> Iterator[Finding]:
    for detail in error.errors(include_url=False):
        path: Path = tuple(detail["loc"])
        if detail["type"] == "too_short" and detail["input"]:
            continue  # pydantic counts only the good elements; the bad ones are named anyway
        if detail["type"] == "missing":
            yield path, None, "missing", _fix_missing(path)
        elif detail["type"] == "unexpected_keyword_argument":
            yield path, detail["input"], "no such key", _fix_unknown(path, tables)
        else:
            what, fix = _message(detail.get("ctx", {}), detail["type"])
            fix = _fix_word(detail["input"], fix) if detail["type"] == "literal_error" else fix
            yield path, detail["input"], what, fix


def _message(context: _Context, kind: str) -> tuple[str, str]:
    """What is wrong, and what to write; a FieldError of ours brings its own kind."""
    return _MESSAGES[context["error"].kind if kind == "value_error" else kind](context)


def _words_of(path: Path, tables: Tables) -> list[str]:
    table = tables[tuple(part for part in path if isinstance(part, str))]
    return list(keys_of(table).values())


def _fix_missing(path: Path) -> str:
    key = path[-1]
    if key in ("product", "freeze", "rule"):
        return f"add a section [{'fault.rule' if key == 'rule' else key}]"
    if key in ("sensor", "fault", "cause", "text", "step"):
        return f"add at least one [[{'.'.join(part for part in path if isinstance(part, str))}]]"
    return f'add the line "{key} = ..." to this section'


def _fix_unknown(path: Path, tables: Tables) -> str:
    known = _words_of(path[:-1], tables)
    near = nearest(str(path[-1]), known)
    return f"did you mean {near}?" if near else f"remove it, or use one of {', '.join(known)}"


def _fix_word(value: object, fix: str) -> str:
    words = fix.replace("'", "").removeprefix("write one of ").replace(" or ", ", ").split(", ")
    near = nearest(value, words) if isinstance(value, str) else None
    return f"{fix} (the nearest is {near})" if near else fix
