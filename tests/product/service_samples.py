"""A small good product with a service half."""

from tests.product.samples import GOOD

_PLACE = '\n[[fault]]\ncode = "K2"'
OF_FAULT = """
[[fault.evidence]]
id = "hot"
title = "It is hot"
what = "frame"
sensor = "water_temp"
statistic = "mean"
min = 90
when = [{ sensor = "heater", min = 1 }]
given = { switch_stuck = 0.9 }
otherwise = 0.2
[[fault.evidence]]
id = "slow_too"
title = "It heats slowly as well"
what = "fault"
fault = "K2"
given = { lid_open = 0.3 }
otherwise = 0.1
[[fault.evidence]]
id = "boils_often"
title = "Boiled a thousand times"
what = "usage"
usage = "boilings"
min = 1000
given = { switch_stuck = 0.7 }
otherwise = 0.3
[[fault.evidence]]
id = "switch_answers"
title = "The switch answers"
what = "answer"
command = "selftest"
field = 2
min = 1
given = { switch_stuck = 0.05 }
otherwise = 0.9
[[fault.ask]]
id = "test"
title = "Does the switch answer?"
command = "selftest"
evidence = ["switch_answers"]
[[fault.action]]
id = "shut_lid"
kind = "self_help"
article = "shut_lid"
minutes = 2
success = { lid_open = 0.9 }
[[fault.action]]
id = "send_switch"
kind = "part"
parts = ["K-SWITCH"]
after = ["shut_lid"]
success = { switch_stuck = 0.6 }
[[fault.action]]
id = "mend"
kind = "visit"
parts = ["K-SWITCH"]
skills = ["electric"]
minutes = 20
after = ["shut_lid", "send_switch"]
success = { switch_stuck = 0.95 }
[[fault.action]]
id = "again"
kind = "remote_fix"
command = "restart"
success = { switch_stuck = 0.1 }
"""
OF_PRODUCT = """
[service]
currency = "EUR"
value = 60
life_years = 5
skills = ["electric"]
[service.idle]
command = "is_idle"
min = 1
[service.tariff]
call_out = 49.90
quarter_hour = 20
[service.costs]
truck = 70
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
name = "restart"
title = "Restart"
code = "reboot"
[[usage]]
name = "boilings"
title = "Times it boiled"
metric = 130
[[part]]
number = "K-SWITCH"
title = "Switch"
price = 4.50
owner_can_fit = true
[[article]]
id = "shut_lid"
[[article.text]]
language = "en"
title = "Shut the lid"
[[article.text.step]]
text = "Shut it."
[[article.text.step]]
text = "Switch it on."
proof = { sensor = "heater", min = 1, within_s = 60 }
[[article.text]]
language = "de"
title = "Deckel zu"
[[article.text.step]]
text = "Deckel schließen."
[[article.text.step]]
text = "Einschalten."
proof = { sensor = "heater", min = 1, within_s = 60 }
"""
SERVED = GOOD.replace(_PLACE, OF_FAULT + _PLACE) + OF_PRODUCT


def spoil_service(old, new, count=1):
    """The good text with one place changed; the place must be there."""
    assert old in SERVED
    return SERVED.replace(old, new, count)
