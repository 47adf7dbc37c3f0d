"""ESP32 in a room: a compiled product on flash, a DHT22, and the developer's own loop beside it.

Make room.ph with `phonehome product build` and copy it to the board.
"""

import asyncio

from machine import Pin

import phonehome
from phonehome.ports.dht import DHT


async def blink():
    """The developer's own coroutine; should it fail, that is reported and the agent goes on."""
    led = Pin(2, Pin.OUT)
    while True:
        led.value(1 - led.value())
        await asyncio.sleep(1)


climate = DHT(4, model=22)


def read_room():
    """The sensor speaks Celsius, the product file Fahrenheit; None stays a missing sample."""
    celsius = climate.temperature()
    return None if celsius is None else celsius * 9 / 5 + 32


agent = phonehome.Agent("room.ph", "phonehome.json")
agent.sensor("temperature", read_room)
agent.run(blink())
