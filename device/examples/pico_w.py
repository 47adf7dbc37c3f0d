"""Pico W in a water tank: a product declared in Python, three kinds of sensors."""

import phonehome
from phonehome.ports.adc import ADC
from phonehome.ports.ds18x20 import DS18x20
from phonehome.ports.pin import DigitalPin

product = phonehome.Product("tank")
product.sensor("level", "mm", exp=0, period_ms=500)
product.sensor("overflow", "", exp=0, period_ms=500)
product.sensor("water", "Cel", exp=-1, period_ms=2000)
product.fault("E01", 520192, 18, "error", "range", "level", low=50, deadband=20, on_delay_ms=5000)
product.fault("E02", 520193, 31, "critical", "range", "overflow", high=0, urgent=True)

agent = phonehome.Agent(product, "phonehome.json")
agent.sensor("level", ADC(26, low=0, high=1200))
agent.sensor("overflow", DigitalPin(15, pull="up", invert=True))
agent.sensor("water", DS18x20(22))
agent.run()
