"""A model in front of the device's own core, on a virtual clock."""

from pathlib import Path

from phonehome.core.product import load as load_device_half
from phonehome.core.sampler import Sampler
from phonehome_product import compile_device, load

PRODUCTS = Path(__file__).parents[2] / "shared" / "products"
STEP_MS = 250  # the fastest sensor of the products under test
MINUTE_MS = 60_000


class Bench:
    """One model, its product and the sampler; `seen` lists (now_ms, code, kind)."""

    def __init__(self, model, product_name):
        self.model = model
        self.now_ms = 0
        self.seen = []
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
