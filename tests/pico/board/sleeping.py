"""A freezer logger on the emulated Pico in its own kind of sleep, in which RAM stays."""

import time

import micropython
from unlinked import NoLink, tell

from phonehome.ports.sleep import find_sleep
from phonehome.sleeper import Sleeper
from phonehome_sim.wake_meter import tell_event


def sleep_lightly(wakes, warm_from, period_s):
    """Wake so often, warm from one of them on."""
    values = [-18]
    sleeper = Sleeper(
        "/product.ph", "/phonehome.json", period_s=period_s, on_event=tell_event, link=NoLink
    )
    sleeper.sensor("air_temp", lambda: values[0])
    sleeper.sensor("battery", lambda: 3)
    for wake in range(wakes):
        if wake == warm_from:
            values[0] = 4
        begun = time.ticks_us()
        wait_ms = sleeper.wake()
        tell("awake_us", time.ticks_diff(time.ticks_us(), begun))
        sleeper.fall_asleep(wait_ms)


def hang():
    """Be in a call that does not end, nor for Ctrl-C, while the guard of a conversation stands."""
    micropython.kbd_intr(-1)
    find_sleep({}).guard(3000)
    print("reset")
    while True:
        time.sleep_ms(100)
