"""A washer on a desk: a wire is the water in its base pan, a light says how the agent does.

A wire from GP15 to GND is a leak: E80 opens a ticket within seconds. The light is on from the
start until the receiver has answered, and whenever that fails or the application stays off.
"""

from machine import Pin

import phonehome
from phonehome.ports.pin import DigitalPin

led = Pin("LED", Pin.OUT, value=1)


def show(name, **_facts):
    """Hear what happens; see on_event in README."""
    if name == "acked":
        led.off()
    elif name in ("backoff", "crash", "safe"):
        led.on()


agent = phonehome.Agent("product.ph", "phonehome.json", on_event=show)
for channel in agent.product.channels:
    agent.sensor(channel.name, lambda: None)  # not wired: a missing sample, and no fault
agent.sensor("pan_water", DigitalPin(15, pull="up", invert=True))
agent.run()
