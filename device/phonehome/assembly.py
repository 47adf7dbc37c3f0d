"""What is needed once, between power-on and the first sample; the agent drops it afterwards."""

import hashlib
import json
import sys

from . import __version__
from .core.birth import Birth
from .core.blackbox import HEAD_BYTES, BlackBox
from .core.config import Config
from .core.errors import ConfigError
from .core.identity import Identity
from .core.ondemand import forget, rest
from .core.product import Product, load
from .core.settings import parse_device
from .core.traceback import Traceback
from .ports.slots import Slots


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


def make_box(board, folder, ring) -> BlackBox:
    """The black box in the memory of this board that outlives a reset."""
    return BlackBox(board.make_retained(folder), folder, Traceback(), ring)


def make_birth(board, product, build: str, box: BlackBox) -> Birth:
    """Find out why the board started, before anything sets up its watchdog; and what it is."""
    from .core.lastwords import find_slot, read_words
    from .core.resets import chip_of, crash_kind, read_registers, reconcile

    agent = "phonehome " + __version__
    birth = Birth(
        agent,
        board.platform(),
        bytes.fromhex(build) if build else hashlib.sha256(agent.encode()).digest()[:4],
        product,
    )
    box.slot = find_slot(box.folder.names())
    slot = box.folder.read(box.slot) if box.slot else b""
    retained = box.retained.read()
    box.head[:] = retained[:HEAD_BYTES] + bytes(max(0, HEAD_BYTES - len(retained)))
    words = read_words(retained, slot, box.slot)
    chip = chip_of(getattr(sys.implementation, "_machine", ""))
    register = read_registers(chip, board.memory)
    birth.reset_cause, birth.certainty = reconcile(words.meaning, register, board.reset_cause())
    birth.reset_name = words.name
    birth.has_words = bool(words.meaning or words.told or box.slot)
    birth.told = words.told
    birth.past_s = words.uptime_s
    kind = crash_kind(birth.reset_cause, board.can_reboot)
    birth.was_bad = kind > 0
    birth.crash = words.crash
    if kind and birth.crash is None:
        from phonehome_wire.crash import Crash

        birth.crash = Crash(kind)
        birth.crash.exception = words.name or None
    if birth.crash is not None:
        birth.crash.reset_cause = birth.reset_cause
    return birth


def restore_pushed(agent, folder) -> Slots:
    """Apply the configuration that the receiver pushed in an earlier boot, if one did."""
    slots = Slots(folder, "config")
    if slots.load() is not None:
        from .core.pushing import restore

        restore(agent, slots)
    return slots


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
        agent + ".ports.cells",
        agent + ".ports.tls",
    )
    rest()


def _make_tls(config: Config):
    from .ports.tls import make_context

    return make_context(_read_file("ca", config.ca) if config.ca else None)


def _read_file(setting: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ConfigError("config %r is %r: there is no such file to read" % (setting, path))
