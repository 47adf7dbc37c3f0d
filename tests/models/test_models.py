"""What the models break is what the products' own rules find, and nothing else."""

import pytest

from phonehome_product import load
from phonehome_sim.models.fridge import Fridge
from phonehome_sim.models.washer import Washer
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED, KIND_PENDING
from tests.models.driving import MINUTE_MS, PRODUCTS, Bench

MODELS = {"washer": Washer, "fridge": Fridge}
SPANS_MS = {"washer": 3 * MINUTE_MS, "fridge": 30 * MINUTE_MS}  # a few cycles of each
BREAKS = [(name, fault) for name, model in MODELS.items() for fault in sorted(model.FAULTS)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", MODELS)
def test_sound_appliance_stays_quiet_for_an_hour(name, seed):
    """Not even a pending fault is told of in an hour without one, whatever the noise."""
    bench = Bench(MODELS[name](seed), name)
    bench.run(60 * MINUTE_MS)
    assert bench.seen == []


@pytest.mark.parametrize(("name", "fault"), BREAKS)
def test_injected_fault_provokes_its_code_alone(name, fault):
    """A broken part confirms exactly the fault that the model names for it."""
    bench = Bench(MODELS[name](7), name)
    bench.run(10_000)
    bench.model.inject(fault)
    bench.run(SPANS_MS[name])
    assert bench.codes(KIND_CONFIRMED) == {MODELS[name].FAULTS[fault]}


@pytest.mark.parametrize(("name", "fault"), BREAKS)
def test_mended_fault_heals(name, fault):
    """Once the part is mended, the device itself proves the recovery and confirms nothing new."""
    bench = Bench(MODELS[name](11), name)
    bench.model.inject(fault)
    bench.run(SPANS_MS[name])
    bench.model.clear(fault)
    bench.run(SPANS_MS[name])
    code = MODELS[name].FAULTS[fault]
    assert bench.codes(KIND_CONFIRMED) == bench.codes(KIND_HEALED) == {code}
    assert [kind for _, _, kind in bench.seen if kind != KIND_PENDING][-1] == KIND_HEALED


@pytest.mark.parametrize("name", MODELS)
def test_model_gives_every_sensor_of_its_product(name):
    """Each sensor of the product has a number from the model before its first step."""
    model = MODELS[name](0)
    readings = {s.name: model.read(s.name) for s in load(PRODUCTS / f"{name}.toml").sensors}
    assert None not in readings.values()


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_gives_the_same_samples(name):
    """Two appliances of one seed agree sample by sample; another seed differs."""
    first, second, other = (MODELS[name](seed) for seed in (5, 5, 6))
    sensor = "supply_voltage"
    for now_ms in range(0, MINUTE_MS, 1000):
        for model in (first, second, other):
            model.step(now_ms)
        assert first.read(sensor) == second.read(sensor) != other.read(sensor)


@pytest.mark.parametrize("name", MODELS)
def test_unknown_fault_is_refused(name):
    """A script that breaks what the model has not is told so."""
    with pytest.raises(KeyError):
        MODELS[name](0).inject("teapot")


def test_blocked_drain_is_confirmed_and_healed_within_a_demonstration():
    """A pump blocked from the start is confirmed within 30 s; 10 s after mending it has healed."""
    bench = Bench(Washer(1), "washer")
    bench.model.inject("drain_blocked")
    bench.run(30_000)
    assert bench.codes(KIND_CONFIRMED) == {"E21"}
    bench.model.clear("drain_blocked")
    bench.run(10_000)
    assert bench.codes(KIND_HEALED) == {"E21"}


def test_blocked_drain_stays_confirmed_while_nothing_is_pumped():
    """A fault is not healed by idling: its proof needs a running pump."""
    bench = Bench(Washer(1), "washer")
    bench.model.inject("drain_blocked")
    bench.run(30_000)
    bench.model.inject("door_lock")
    bench.run(60_000)
    assert bench.codes(KIND_HEALED) == set()


@pytest.mark.parametrize(("name", "fault"), BREAKS)
def test_no_fault_floods_the_outbox(name, fault):
    """Half an hour of any fault is at most two records a minute, however it trips or chatters."""
    bench = Bench(MODELS[name](7), name)
    bench.model.inject(fault)
    bench.run(30 * MINUTE_MS)
    assert len(bench.seen) <= 2 * 30
