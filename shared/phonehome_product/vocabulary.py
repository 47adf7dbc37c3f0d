"""The words a product file may use: units, severities, kinds of rule; and the nearest one."""

import difflib
from collections.abc import Iterable

SEVERITIES = (  # RFC 5424, the position is the code
    "emergency",
    "alert",
    "critical",
    "error",
    "warning",
    "notice",
    "informational",
    "debug",
)

KINDS = {  # as in the device half; 10 is left for a rule that learns what is normal
    "range": 1,
    "rate": 2,
    "stuck": 3,
    "missing": 4,
    "python": 5,
    "noise": 6,
    "disagree": 7,
    "count": 8,
    "drift": 9,
}

KIND_WORDS = {  # which words of a rule belong to which kind; the others are common to all
    "range": {"sensor", "low", "high", "deadband"},
    "rate": {"sensor", "low", "high", "deadband", "window_ms"},
    "stuck": {"sensor", "deadband", "window_ms"},
    "missing": {"sensor", "window_ms"},
    "python": {"sensor"},
    "noise": {"sensor", "low", "high", "deadband", "window_ms"},
    "disagree": {"sensor", "other", "low", "high", "deadband"},
    "count": {"sensor", "level", "rearm", "low", "high", "deadband", "window_ms"},
    "drift": {"sensor", "low", "high", "deadband", "excess"},
}

# What the receiver counts by itself: confirmations of the ticket's fault, how often the ticket was
# reopened, hours in operation, boots. An application's own counters are [[usage]] of the file.
USAGES = frozenset({"occurrences", "reopened", "hours", "boots"})

# The lines of the receiver's table of costs (core.deciding.costs) that a product may override.
_COSTS = """
truck technician_minute wasted_visit shipping wasted_part part_back desk_minute person_minutes
look_minutes lead_minutes owner_minute failed_steps failed_command mail day_without urgent_day
nuisance_share self_help_days remote_days part_days visit_days person_days lead_days wait_days
unknown_part_days person_knows
"""
COSTS = frozenset(_COSTS.split())

NEEDED_WORDS = frozenset({"sensor", "other", "window_ms", "level", "excess"})  # of the kinds' own

_SENML = """
m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 l m/s m/s2
m3/s l/s W/m2 cd/m2 bit bit/s lat lon pH dB dBW Bspl count / % %RH %EL EL 1/s 1/min beat/min
beats S/m B VA VAs var vars J/m kg/m3 deg NTU
ms min h MHz kW kVA kvar Ah Wh kWh varh kvarh kVAh Wh/km KiB GB Mbit/s B/s MB/s mV mA dBm ug/m3
mm/h m/h ppm /100 /1000 hPa mm cm km km/h ppb ppt VAh mg/l ug/l g/l
"""  # RFC 8428 section 12.1 and RFC 8798 with the additions of the IANA registry

_UCUM = "[degF] L L/min mm/s bar mbar uA kOhm [in_i]"  # what appliances need beyond SenML

UNITS = frozenset(_SENML.split()) | frozenset(_UCUM.split()) | {""}

_MISTAKEN_UNITS = {
    "degC": "Cel",
    "°C": "Cel",
    "celsius": "Cel",
    "degF": "[degF]",
    "°F": "[degF]",
    "fahrenheit": "[degF]",
    "rpm": "1/min",
    "percent": "%",
    "volt": "V",
    "ampere": "A",
    "ohm": "Ohm",
    "bool": "",
}


def unit_instead_of(word: str) -> str:
    """Return the unit that a wrong unit probably means; the empty unit when nothing is near."""
    if word in _MISTAKEN_UNITS:
        return _MISTAKEN_UNITS[word]
    return nearest(word, UNITS) or ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most like `word`, or None when none is near enough."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None
