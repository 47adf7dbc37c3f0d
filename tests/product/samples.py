"""A small good product, and ways to spoil it."""

GOOD = """\
# a kettle
[product]
name = "kettle"
title = "Kettle"
version = 3

[freeze]
period_ms = 500
samples = 16

[[sensor]]
name = "water_temp"
title = "Water temperature"
unit = "Cel"
channel = 0
exp = -1
period_ms = 500

[[sensor]]
name = "heater"
title = "Heater is on"
unit = ""
channel = 1
exp = 0
period_ms = 250

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
low = -5
high = 104.5
deadband = 2.0
on_delay_ms = 1000
when = [
    { sensor = "heater", min = 1 }, # else it cannot boil
]
[[fault.cause]]
id = "lid_open"
title = "The lid is open"
prior = 0.25
[[fault.cause]]
id = "switch_stuck"
title = "The switch is stuck"
prior = 0.75

[[fault]]
code = "K2"
id = 520192
fmi = 10
severity = "warning"
title = "Heats too slowly"
urgent = true
resolve_after_s = 0
[fault.rule]
kind = "rate"
sensor = "water_temp"
low = 0.5
window_ms = 4000
n = 2
m = 3
[[fault.cause]]
id = "scale"
title = "Scale"
prior = 1
"""


def spoil(old, new, count=1):
    """The good text with one place changed; the place must be there."""
    assert old in GOOD
    return GOOD.replace(old, new, count)


def line_of(text, needle):
    """The line, counted from 1, where a text stands."""
    return text[: text.index(needle)].count("\n") + 1
