"""From the words of a product file, written in Python, to a fault with scaled limits."""

from .errors import ProductError
from .product import FaultSpec
from .rules import KIND_MISSING, KIND_PYTHON, KIND_RANGE, KIND_RATE, KIND_STUCK

_RATE_FACTOR = 1000  # rates are thousandths of a step per second

_SEVERITIES = (  # RFC 5424, the position is the number
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "debug",
)


def _range(_words, steps) -> tuple:
    return (steps("low"), steps("high"), steps("deadband") or 0)


def _rate(words, steps) -> tuple:
    low, high = steps("low", _RATE_FACTOR), steps("high", _RATE_FACTOR)
    return (low, high, words.get("window_ms"), steps("deadband", _RATE_FACTOR) or 0)


def _stuck(words, steps) -> tuple:
    return (steps("deadband") or 0, words.get("window_ms"))


def _missing(words, _steps) -> tuple:
    return (words.get("window_ms"),)


def _python(_words, _steps) -> tuple:
    return ()


# kind: (number, its own words, parameters from the words and a scaling function)
_KINDS = {
    "range": (KIND_RANGE, ("low", "high", "deadband"), _range),
    "rate": (KIND_RATE, ("low", "high", "deadband", "window_ms"), _rate),
    "stuck": (KIND_STUCK, ("deadband", "window_ms"), _stuck),
    "missing": (KIND_MISSING, ("window_ms",), _missing),
    "python": (KIND_PYTHON, ("predicate",), _python),
}

_WORDS_OF_ALL = ("on_delay_ms", "off_delay_ms", "n", "m", "settle_ms", "urgent", "when")


def declare_fault(product, head, words) -> FaultSpec:
    """Add a fault to the product and return it; head = (code, id, fmi, severity, kind, sensor)."""
    code, number, fmi, severity, kind, sensor = head
    where = "fault %r" % (code,)
    kind_number, own_words, params_of = _expect_kind(where, kind)
    _check_words(where, kind, own_words, words)
    index = None if sensor is None else product.index_of(sensor)
    channel = None if index is None else product.channels[index]
    if channel is None and kind != "python":
        raise ProductError("%s: sensor = None; a rule of kind %s needs one" % (where, kind))
    scaling = _scaling(where, channel, words)
    if "other" in words:
        words["other"] = product.index_of(words["other"])
    gates = tuple([_gate(where, product, gate) for gate in words.get("when", ())])
    head = (number, fmi, _severity(where, severity), code, bool(words.get("urgent", False)))
    judged = (kind_number, index, params_of(words, scaling))
    on_delay_ms, off_delay_ms, n, m, settle_ms = _timing(words)
    timing = (on_delay_ms, off_delay_ms, n, m, gates, settle_ms)
    spec = FaultSpec(*(head + judged + timing))
    product.add(spec)
    if words.get("predicate") is not None:
        product.rule(code, words["predicate"])
    return spec


def _expect_kind(where: str, kind) -> tuple:
    if kind in _KINDS:
        return _KINDS[kind]
    try:
        from .rarekinds import KINDS
    except ImportError:
        from .reporting.lacking import advise

        known = " ".join(sorted(_KINDS))
        raise ProductError(
            "%s: kind = %r; write one of %s, or for others: %s"
            % (where, kind, known, advise("rules"))
        ) from None
    if kind not in KINDS:
        known = " ".join(sorted(_KINDS) + sorted(KINDS))
        raise ProductError("%s: kind = %r; write one of %s" % (where, kind, known))
    return KINDS[kind]


def _check_words(where: str, kind: str, own_words, words) -> None:
    known = own_words + _WORDS_OF_ALL
    for word in words:
        if word not in known:
            raise ProductError(
                "%s: %s is no word of kind %s; use %s" % (where, word, kind, " ".join(known))
            )


def _severity(where: str, severity):
    if severity in _SEVERITIES:
        return _SEVERITIES.index(severity)
    if isinstance(severity, str):
        raise ProductError(
            "%s: severity = %r; write one of %s" % (where, severity, " ".join(_SEVERITIES))
        )
    return severity


def _timing(words) -> tuple:
    return (
        words.get("on_delay_ms", 0),
        words.get("off_delay_ms", 0),
        words.get("n", 1),
        words.get("m", 1),
        words.get("settle_ms", 0),
    )


def _gate(where: str, product, gate) -> tuple:
    if not isinstance(gate, dict) or "sensor" not in gate:
        raise ProductError('%s: when = %r; write {"sensor": ..., "min": ...}' % (where, gate))
    index = product.index_of(gate["sensor"])
    steps = _scaling(where, product.channels[index], gate)
    return (index, steps("min"), steps("max"))


def _scaling(where: str, channel, words):
    """A function that gives a word of a rule as steps of the channel, None where it is absent."""

    def steps(word: str, factor: int = 1):
        number = words.get(word)
        if number is None:
            return None
        try:
            return channel.scale(number * factor)
        except (TypeError, ValueError):
            raise ProductError(
                "%s: %s = %r; write a number that fits sensor %s"
                % (where, word, number, channel.name)
            ) from None

    return steps
