"""A freezer logger on two AA cells: looks once a minute, sleeps in between, phones home hourly.

Make freezer.ph with `phonehome product build` and copy it to the board; the settings say how often
a heartbeat is due. On an ESP32 the program starts again for each wake, so it does nothing else.
"""

import machine

from phonehome.ports.adc import ADC
from phonehome.ports.ds18x20 import DS18x20
from phonehome.sleeper import Sleeper

sleeper = Sleeper("freezer.ph", "phonehome.json", period_s=60)
sleeper.sensor("air_temp", DS18x20(4))
sleeper.sensor("battery", ADC(machine.ADC(34, atten=machine.ADC.ATTN_11DB), low=0, high=6.6))
sleeper.run()
