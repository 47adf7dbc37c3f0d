"""The product file: what an appliance senses, what can go wrong, and what to do about it."""

from .device_half import compile_device, manifest_of
from .errors import Problem, ProductError
from .loading import load, parse
from .model import Cause, Fault, Freeze, Gate, Product, Rule, Sensor
from .tuning import TuneError, tune

__all__ = [
    "Cause",
    "Fault",
    "Freeze",
    "Gate",
    "Problem",
    "Product",
    "ProductError",
    "Rule",
    "Sensor",
    "TuneError",
    "compile_device",
    "load",
    "manifest_of",
    "parse",
    "tune",
]
