"""What is needed once, between power-on and the first sample; the agent drops it afterwards."""

import json

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
    forget(__name__, agent + ".core.settings", agent + ".ports.tls", "phonehome_wire.keys")


def _make_tls(config: Config):
    from .ports.tls import make_context

    return make_context(_read_file("ca", config.ca) if config.ca else None)


def _read_file(setting: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ConfigError("config %r is %r: there is no such file to read" % (setting, path))
