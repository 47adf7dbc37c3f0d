"""The product file: what an appliance senses, what can go wrong, and what to do about it."""

from .device_half import compile_device, manifest_of
from .errors import Problem, ProductError
from .loading import load, load_whole, parse
from .model import Cause, Fault, Freeze, Product, Rule, Sensor
from .service import (
    Action,
    Article,
    Ask,
    Command,
    Evidence,
    Idle,
    Part,
    Proof,
    Service,
    Step,
    Tariff,
    Usage,
    Wording,
)
from .tuning import TuneError, tune
from .values import Gate

__all__ = [
    "Action",
    "Article",
    "Ask",
    "Cause",
    "Command",
    "Evidence",
    "Fault",
    "Freeze",
    "Gate",
    "Idle",
    "Part",
    "Problem",
    "Product",
    "ProductError",
    "Proof",
    "Rule",
    "Sensor",
    "Service",
    "Step",
    "Tariff",
    "TuneError",
    "Usage",
    "Wording",
    "compile_device",
    "load",
    "load_whole",
    "manifest_of",
    "parse",
    "tune",
]
