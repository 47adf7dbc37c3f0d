"""A computer with unix MicroPython: how busy it is, without any hardware.

MICROPYPATH=.frozen:device:shared micropython device/examples/unix.py phonehome.json
"""

import sys

import phonehome


def read_load():
    """Processes that run or wait, averaged over a minute; None where nobody counts them."""
    with open("/proc/loadavg") as file:
        return float(file.read().split()[0])


product = phonehome.Product("computer")
product.sensor("load", "1", exp=-2, period_ms=1000)
product.fault("H01", 520200, 16, "warning", "range", "load", high=64, on_delay_ms=60000)

agent = phonehome.Agent(product, sys.argv[1])
agent.sensor("load", read_load)
agent.run()
