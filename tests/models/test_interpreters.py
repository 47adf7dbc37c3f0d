"""The models are the same appliance on both interpreters."""

import subprocess

import pytest

from phonehome_sim.models.fridge import Fridge
from phonehome_sim.models.washer import Washer

SCRIPT = """
from phonehome_sim.models.{module} import {name}
model = {name}(3)
model.inject("undervoltage")
for now_ms in range(0, 60000, 250):
    model.step(now_ms)
    print(model.phase, [round(1000 * (model.read(sensor) or 0)) for sensor in {sensors}])
"""
CASES = [
    (Washer, ["water_level", "ntc_voltage", "vibration", "motor_current"]),
    (Fridge, ["fresh_temp", "evaporator_temp", "compressor_current", "fan_speed"]),
]


@pytest.mark.parametrize(("model_class", "sensors"), CASES)
def test_micropython_plays_the_same_appliance(
    model_class, sensors, micropython, micropython_environment
):
    """One seed gives the same minute of samples on MicroPython as on CPython."""
    name = model_class.__name__
    script = SCRIPT.format(module=name.lower(), name=name, sensors=sensors)
    played = subprocess.run(
        [micropython, "-c", script],
        env=micropython_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    model = model_class(3)
    model.inject("undervoltage")
    expected = []
    for now_ms in range(0, 60_000, 250):
        model.step(now_ms)
        values = [round(1000 * (model.read(sensor) or 0)) for sensor in sensors]
        expected.append(f"{model.phase} {values}")
    assert played.stdout.splitlines() == expected
