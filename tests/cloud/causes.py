"""Faults to diagnose: small ones, written as a product file has them."""

from decimal import Decimal

from phonehome_product import Fault, parse
from phonehome_product.fields import read_section

HEAD = """\
[product]
name = "kettle"
title = "Kettle"
version = 1
[freeze]
period_ms = 500
samples = 8
[service]
currency = "EUR"
value = 60
life_years = 5
skills = ["electric"]
[service.idle]
command = "is_idle"
min = 1
[[command]]
name = "is_idle"
title = "Is it idle?"
code = 129
idle = false
[[command]]
name = "selftest"
title = "Test itself"
code = 128
[[command]]
name = "reread"
title = "Read every sensor again"
code = 130
[[usage]]
name = "boilings"
title = "Times it boiled"
metric = 128
[[sensor]]
name = "water_temp"
title = "Water temperature"
unit = "Cel"
channel = 3
exp = -1
period_ms = 500
[[sensor]]
name = "heater"
title = "Heater is on"
unit = ""
channel = 1
exp = 0
period_ms = 500
[[fault]]
code = "K1"
id = 520192
fmi = 0
severity = "critical"
title = "Boils dry"
resolve_after_s = 60
[fault.rule]
kind = "range"
sensor = "water_temp"
high = 104.5
"""

CAUSES = """
[[fault.cause]]
id = "lid_open"
title = "The lid is open"
prior = 0.6
[[fault.cause]]
id = "switch_stuck"
title = "The switch is stuck"
prior = 0.3
[[fault.cause]]
id = "sensor_off"
title = "The sensor is off"
prior = 0.1
"""

OTHER_FAULT = """
[[fault]]
code = "K2"
id = 520193
fmi = 4
severity = "warning"
title = "Sensor shorted"
resolve_after_s = 0
[fault.rule]
kind = "range"
sensor = "water_temp"
low = -20
[[fault.cause]]
id = "shorted"
title = "Shorted"
prior = 1
"""


def kettle(evidence="", causes=CAUSES):
    """A checked product, with more in its first fault."""
    return parse(HEAD + causes + evidence + OTHER_FAULT, "kettle.toml")


def make_fault(priors, likelihoods, asks=()):
    """A fault of causes c0, c1, ... with evidence e0, e1, ..., each a list of P(e | cause).

    `asks` are lists of the evidence that one question answers.
    """
    given = [{f"c{i}": number(p) for i, p in enumerate(row)} for row in likelihoods]
    return read_section(
        Fault,
        {
            "code": "K1",
            "id": 1,
            "fmi": 0,
            "severity": "error",
            "title": "Fault",
            "resolve_after_s": 0,
            "rule": {"kind": "python"},
            "cause": [
                {"id": f"c{i}", "title": f"Cause {i}", "prior": number(prior)}
                for i, prior in enumerate(priors)
            ],
            "evidence": [
                {"id": f"e{i}", "title": "E", "what": "answer", "given": row}
                | {"otherwise": Decimal("0.5")}
                for i, row in enumerate(given)
            ],
            "ask": [
                {"id": f"a{i}", "title": "A", "command": "test", "evidence": list(names)}
                for i, names in enumerate(asks)
            ],
        },
    )


def number(value):
    """A float as a product file writes it."""
    return Decimal(str(round(value, 6)))
