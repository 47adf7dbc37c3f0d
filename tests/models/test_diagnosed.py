"""What a simulated appliance breaks is what a diagnosis of its own freeze frame finds."""

import pytest

from phonehome_cloud.core.diagnosing.bayes import diagnose
from phonehome_cloud.core.diagnosing.evidence import observe
from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_product import load
from phonehome_sim.models.fridge import Fridge
from phonehome_sim.models.washer import Washer
from tests.models.driving import MINUTE_MS, PRODUCTS, Bench

MODELS = {"washer": Washer, "fridge": Fridge}
LOADED = {name: load(PRODUCTS / f"{name}.toml") for name in MODELS}
SPANS_MS = {"washer": 3 * MINUTE_MS, "fridge": 30 * MINUTE_MS}

# What is broken in the model -> the cause that the product file should find first.
FOUND = {
    "washer": {
        "inlet_slow": "sieve_clogged",
        "overfill": "inlet_valve_leaks",
        "drain_blocked": "filter_clogged",
        "pump_open": "pump_winding_open",
        "heater_open": "heater_burnt_out",
        "heater_welded": "heater_relay_welded",
        "ntc_shorted": "ntc_shorted",
        "ntc_open": "ntc_open",
        "bearing": "bearing_worn",
        "drum_cracked": "drum_cracked",
        "unbalanced": "load_uneven",
        "vibration_frozen": "accelerometer_hung",
        "vibration_lost": "accelerometer_dead",
        "vibration_loose": "sensor_plug_loose",
        "motor_hot": "windings_shorted",
        "drum_stuck": "drum_jammed",
    },
    "fridge": {
        "door_open": "left_open",
        "damper_stuck": "damper_stuck",
        "freezer_seal": "seal_leaks",
        "refrigerant_low": "refrigerant_lost",
        "compressor_locked": "compressor_seized",
        "condenser_dusty": "condenser_dusty",
        "fan_blocked": "fan_iced",
        "fresh_ntc_open": "ntc_open",
        "fresh_ntc_shorted": "ntc_shorted",
        "fresh_ntc_aged": "ntc_aged",
        "evaporator_frozen": "converter_hung",
    },
}
CASES = [(name, fault, cause) for name, rows in FOUND.items() for fault, cause in rows.items()]


@pytest.mark.parametrize(("name", "broken", "cause"), CASES)
def test_the_broken_part_is_ranked_first(name, broken, cause):
    """Through the device's own rules and ring: sample, freeze frame, evidence, cause."""
    model, product = MODELS[name](7), LOADED[name]
    bench = Bench(model, name)
    bench.run(10_000)
    model.inject(broken)
    bench.run(SPANS_MS[name])
    fault = next(f for f in product.faults if f.code == model.FAULTS[broken])
    old = 4000 if broken in ("bearing", "drum_cracked") else 900
    channels = {sensor.name: sensor.channel for sensor in product.sensors}
    tested = {channels[sensor]: result for sensor, result in model.test().items()}
    facts = Facts(
        "a4cf12fffe05d3b1",
        1,
        name,
        fault.id,
        fault.fmi,
        0,
        frame=bench.frames[fault.code],
        age_days=old,
        usage={"occurrences": 1, "reopened": 0},
        metrics={0: 10 * 86_400},
        answers={"selftest": tested},
    )
    diagnosis = diagnose(fault, observe(product, fault, facts))
    ranked = {c.cause: round(c.probability, 2) for c in diagnosis.causes}
    assert diagnosis.causes[0].cause == cause, ranked
