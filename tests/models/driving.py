"""A model in front of the device's own core, on a virtual clock."""

from pathlib import Path

from phonehome.core.product import load as load_device_half
from phonehome.core.sampler import Sampler
from phonehome_product import compile_device, load
from phonehome_wire.series import MISSING

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"
STEP_MS = 250  # the fastest sensor of the products under test
MINUTE_MS = 60_000


class Bench:
    """One model, its product and the sampler; `seen` lists (now_ms, code, kind).

    `frames` has the freeze frame of the last confirmation of each code, as the receiver stores it.
    """

    def __init__(self, model, product_name):
        self.model = model
        self.now_ms = 0
        self.seen = []
        self.frames = {}
        product = load_device_half(compile_device(load(PRODUCTS / f"{product_name}.toml")))
        readers = {c.name: self._reader(c.name) for c in product.channels}
        self.sampler = Sampler(product, readers, self._note)

    def run(self, span_ms):
        """Let time pass."""
        for _ in range(span_ms // STEP_MS):
            self.model.step(self.now_ms)
            self.sampler.step(self.now_ms)
            self.now_ms += STEP_MS

    def codes(self, kind):
        """The codes of all transitions of one kind."""
        return {code for _, code, seen_kind in self.seen if seen_kind == kind}

    def _reader(self, name):
        return lambda: self.model.read(name)

    def _note(self, fault, kind, now_ms, frame):
        self.seen.append((now_ms, fault.spec.code, kind))
        if frame is not None:
            self.frames[fault.spec.code] = stored(frame)


def stored(frame):
    """A frame of the device's ring as the receiver stores it."""
    places = range(frame.channel_count)
    channels = [
        {
            "channel": frame.channel_id(place),
            "exp": frame.exp(place),
            "samples": [sample_of(frame, place, number) for number in range(frame.count)],
        }
        for place in places
    ]
    return {"period_ms": frame.period_ms, "trigger": frame.trigger, "channels": channels}


def sample_of(frame, place, number):
    """One sample of the ring, None where it is missing."""
    value = frame.sample(place, number)
    return None if value == MISSING else value
