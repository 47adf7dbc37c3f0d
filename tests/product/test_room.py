"""The room's rules find what its recording is labelled with."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phonehome.core.product import load as load_device_half
from phonehome.core.sampler import Sampler
from phonehome_product import compile_device, load
from phonehome_wire.registry import KIND_CONFIRMED, KIND_HEALED

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("PHONEHOME_DATA", ROOT.parent / "shared" / "data")) / "nab"
RECORDING = "realKnownCause/ambient_temperature_system_failure.csv"


def in_ms(text):
    """Unix milliseconds of a time without a zone, taken as UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def read_rows():
    """The recording as (unix ms, degrees Fahrenheit)."""
    with (DATA / RECORDING).open(newline="") as file:
        return [(in_ms(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]


def open_tickets(product, rows):
    """When tickets would open: confirmed, and the one before it resolved by the off-rule."""
    resolve_ms = {f.code: f.resolve_after_s * 1000 for f in product.faults}
    healed_at, opened = {}, []

    def note(fault, kind, now_ms, frame):
        code = fault.spec.code
        if kind == KIND_CONFIRMED:
            quiet_ms = now_ms - healed_at.pop(code, -resolve_ms[code])
            if quiet_ms >= resolve_ms[code]:
                opened.append((code, now_ms))
        elif kind == KIND_HEALED:
            healed_at[code] = now_ms

    newest = [None]
    readers = {"temperature": lambda: newest[0]}
    sampler = Sampler(load_device_half(compile_device(product)), readers, note)
    for now_ms, newest[0] in rows:
        sampler.step(now_ms)
    return opened


@pytest.mark.skipif(not (DATA / RECORDING).exists(), reason=f"no recording in {DATA}")
def test_tickets_open_in_both_labelled_windows():
    """One ticket opens in each labelled window and at most one outside of them."""
    windows = [
        (in_ms(first), in_ms(last))
        for first, last in json.loads((DATA / "combined_windows.json").read_text())[RECORDING]
    ]
    product = load(ROOT / "shared" / "products" / "room.toml")
    opened = open_tickets(product, read_rows())
    inside = [
        [code for code, at_ms in opened if first <= at_ms <= last] for first, last in windows
    ]
    assert inside == [["R10"], ["R11"]]
    assert len(opened) - 2 <= 1
