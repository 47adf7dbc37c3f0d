"""The appliance that the goals of a board speak of: 8 sensors, 10 rules, a frame of 16 samples."""

from pathlib import Path

SENSORS = 8
_HEAD = """
[product]
name = "bench"
title = "Eight sensors and ten rules"
version = 1

[freeze]
period_ms = 500
samples = 16
"""
_SENSOR = """
[[sensor]]
name = "sensor{0}"
title = "Sensor {0}"
unit = "Cel"
channel = {0}
exp = -1
period_ms = 250
"""
_FAULT = """
[[fault]]
code = "B{number:02}"
id = {id}
fmi = {fmi}
severity = "error"
title = "Rule {number}"
resolve_after_s = 5

[fault.rule]
sensor = "sensor{sensor}"
{rule}

[[fault.cause]]
id = "cause{number}"
title = "Cause {number}"
prior = 1
"""
_ABOVE = 'kind = "range"\nhigh = 80\ndeadband = 5\non_delay_ms = 1000\noff_delay_ms = 1000'
_BELOW = 'kind = "range"\nlow = -20\ndeadband = 5\non_delay_ms = 1000\noff_delay_ms = 1000'
_GATED = _ABOVE + '\nwhen = [{ sensor = "sensor0", min = 50 }]\nsettle_ms = 500'
_RATE = 'kind = "rate"\nhigh = 100\ndeadband = 5\nwindow_ms = 2000\non_delay_ms = 500'
_STUCK = 'kind = "stuck"\ndeadband = 0.1\nwindow_ms = 60000'
_MISSING = 'kind = "missing"\nwindow_ms = 2000'
# (sensor, fmi, rule)
_RULES = (
    (0, 0, _ABOVE),
    (1, 1, _BELOW),
    (2, 0, _GATED),
    (3, 0, _GATED),
    (4, 0, _GATED),
    (5, 10, _RATE),
    (6, 10, _RATE),
    (7, 2, _STUCK),
    (6, 2, _MISSING),
    (7, 9, _MISSING),
)


def write_product(folder: Path) -> Path:
    """Write the product file."""
    faults = [
        _FAULT.format(number=number, id=520192 + number, fmi=fmi, sensor=sensor, rule=rule)
        for number, (sensor, fmi, rule) in enumerate(_RULES)
    ]
    folder.mkdir(exist_ok=True)
    path = folder / "bench.toml"
    path.write_text(_HEAD + "".join(_SENSOR.format(i) for i in range(SENSORS)) + "".join(faults))
    return path
