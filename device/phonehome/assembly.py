"""What is needed once, between power-on and the first sample; the agent drops it afterwards."""

import hashlib
import json
import sys

from . import __version__
from .core.config import Config
from .core.errors import ConfigError
from .core.identity import Identity
from .core.ondemand import forget
from .core.product import Product, load
from .core.settings import parse_device


def load_config(config) -> Config:
    """The settings of a dict or of a JSON file."""
    if isinstance(config, dict):
        return Config(config)
    try:
        settings = json.loads(_read_file("path", config))
    except ValueError:
        raise ConfigError("config file %r is not JSON" % config)
    if not isinstance(settings, dict):
        raise ConfigError("config file %r: want one JSON object" % config)
    return Config(settings)


def load_product(product) -> Product:
    """A declared product as it is, a compiled one from its bytes or its path."""
    if isinstance(product, Product):
        return product
    return load(_read_file("product", product) if isinstance(product, str) else product)


def load_identity(config: Config, board) -> Identity:
    """The device and its keys."""
    device = parse_device(config.device) if config.device else board.device_id()
    if device is None:
        raise ConfigError("config 'device' is missing: this board has no address to take it from")
    return Identity(device, _read_file("key", config.key))


class Past:
    """What is known of the boot before: RESET_* and how sure, who was behind it, a crash or None.

    `is_bad` says that the reset was not meant, `has_words` that something waits to be wiped.
    """

    def __init__(self, reason: int, certainty: int, words, is_bad: bool, has_words: bool) -> None:
        self.reason = reason
        self.certainty = certainty
        self.name = words.name
        self.crash = words.crash
        self.is_bad = is_bad
        self.has_words = has_words


def read_past(board, retained, folder) -> Past:
    """Find out why the board started; before anything sets up its watchdog."""
    from .core.blackbox import SLOT
    from .core.lastwords import read_words
    from .core.resets import chip_of, crash_kind, read_registers, reconcile

    kept, slot = retained.read(), folder.read(SLOT)
    words = read_words(kept, slot)
    chip = chip_of(getattr(sys.implementation, "_machine", ""))
    told = board.reset_cause()
    register = read_registers(chip, board.memory)
    reason, certainty = reconcile(words.meaning, register, told)
    kind = crash_kind(reason, board.can_reboot)
    if kind and words.crash is None:
        from phonehome_wire.crash import Crash

        words.crash = Crash(kind)
        words.crash.exception = words.name or None
    if words.crash is not None:
        words.crash.reset_cause = reason
    return Past(reason, certainty, words, kind > 0, bool(words.meaning or words.crash))


class Birth:
    """What a hello and every report say about the software and the board."""

    def __init__(self, board, product, build: str, past: Past) -> None:
        self.agent = "phonehome " + __version__
        self.platform = board.platform()
        self.reset_cause = past.reason
        self.certainty = past.certainty
        self.reset_name = past.name
        self.build = bytes.fromhex(build) if build else _digest(self.agent.encode())
        self.manifest = product.manifest
        self.catalog = product.catalog


def make_link(config: Config, device: bytes, make_state, hear):
    """The link that the server's address asks for; the other one is not even imported."""
    from .ports.stream import Stream

    stream = Stream(config.host, config.port, _make_tls(config) if config.is_secure else None)
    if not config.is_mqtt:
        from .ports.http import HTTPLink

        return HTTPLink(stream, config.path, hear)
    from .ports.mqtt import MQTTLink

    return MQTTLink(stream, config, device.hex(), make_state, hear)


def forget_assembly() -> None:
    """Drop this module and what only it needs."""
    agent = __name__.rpartition(".")[0]
    forget(
        __name__,
        agent + ".core.settings",
        agent + ".core.resets",
        agent + ".core.lastwords",
        agent + ".ports.tls",
        "phonehome_wire.keys",
        "phonehome_wire.crash",
    )


def _make_tls(config: Config):
    from .ports.tls import make_context

    return make_context(_read_file("ca", config.ca) if config.ca else None)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:4]


def _read_file(setting: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ConfigError("config %r is %r: there is no such file to read" % (setting, path))
