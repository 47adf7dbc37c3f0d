"""What is needed once, between power-on and the first sample; the agent drops it afterwards."""

import hashlib
import json
import sys

from phonehome_wire.compat import const

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
from .ports.state import State

# Folded away on a board; a test holds them to the wire's registry and limits.
_CERTAINTY_LIKELY = const(2)

_AGENT = __name__.rpartition(".")[0]


def load_config(config) -> Config:
    """The settings of a dict or of a JSON file."""
    return Config(_read_settings(config))


def _read_settings(config) -> dict:
    if isinstance(config, dict):
        return config
    try:
        settings = json.loads(_read_file("path", config))
    except ValueError:
        raise ConfigError("config file %r is not JSON" % config)
    if not isinstance(settings, dict):
        raise ConfigError("config file %r: want one JSON object" % config)
    return settings


def load_product(product) -> Product:
    """A declared product as it is, a compiled one from its bytes or its path."""
    if isinstance(product, Product):
        return product
    return load(_read_file("product", product) if isinstance(product, str) else product)


def load_identity(config: Config, board, tell) -> Identity:
    """The device and its keys; one that has a claim may come without."""
    from .core.claiming import read_claim
    from .core.keychange import forget_keychange, load_keys
    from .ports.keyfiles import open_keys

    device = parse_device(config.device) if config.device else board.device_id()
    if device is None:
        raise ConfigError("config 'device' is missing: this board has no address to take it from")
    identity = Identity(device, b"")
    if not load_keys(identity, open_keys(config.key), tell):
        if config.claim:
            read_claim(
                _read_file("claim", config.claim)
            )  # a bad one stops the start, not the sending
            _expect_enrollment(config)
        else:
            identity.use(_read_file("key", config.key))  # says what is wrong with it
    forget_keychange()
    return identity


def _expect_enrollment(config: Config) -> None:
    """ConfigError where what asks for a key is not installed."""
    from .core.reporting.lacking import advise, is_installed

    if not is_installed(_AGENT + ".core.enrolling"):
        raise ConfigError("config 'claim' is %r: %s" % (config.claim, advise("enrollment")))


def make_box(board, folder, ring) -> BlackBox:
    """The black box in the memory of this board that outlives a reset."""
    return BlackBox(board.make_retained(folder), folder, Traceback(), ring)


def make_birth(board, product, config: Config, box: BlackBox) -> Birth:
    """Find out why the board started, and what it is."""
    from .core import boots
    from .core.lastwords import find_slot, read_words
    from .core.resets import chip_of, crash_kind, read_registers, reconcile
    from .ports.watchdog import was_bitten

    agent = "phonehome " + __version__
    birth = Birth(
        agent,
        board.platform(),
        bytes.fromhex(config.build)
        if config.build
        else hashlib.sha256(agent.encode()).digest()[:4],
        product,
    )
    box.slot = find_slot(box.folder.names())
    slot = box.folder.read(box.slot) if box.slot else b""
    retained = box.retained.read()
    box.head[:] = retained[:HEAD_BYTES] + bytes(max(0, HEAD_BYTES - len(retained)))
    words = read_words(retained, slot, box.slot)
    chip = chip_of(getattr(sys.implementation, "_machine", ""))
    register = read_registers(chip, board.memory, was_bitten[0])
    birth.reset_cause, birth.certainty = reconcile(words.meaning, register, board.reset_cause())
    birth.reset_name = words.name
    if words.name.endswith("?"):  # not caught in the act
        birth.certainty = min(birth.certainty, _CERTAINTY_LIKELY)
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
    limit = config.dead_boots
    if limit and board.can_reboot:  # on a computer somebody starts the program, or not
        birth.is_counted = True
        young = boots.count_young(words, box.folder.read(boots.FILE))
        birth.is_safe = not words.is_begun and boots.is_safe(limit, words, young)
        birth.died = young - words.is_begun
        birth.wait_ms = boots.wait_ms(limit, birth.died)
    birth.grace_ms = boots.grace_ms(words.meaning, words.name)
    return birth


def settle_pushed(source, config: Config, folder, birth, tell) -> tuple:
    """(settings, slots), with the way to the receiver that an earlier boot was pushed, if one was.

    `source` is what the settings were loaded from. A way that a change of that has made
    impossible is passed over.
    """
    slots = State(folder, "config")
    if slots.load() is None:
        return config, slots
    try:
        from .core.linkkeys import overlay
        from .core.pushing import settle
    except ImportError:
        return config, slots  # restore_pushed says so

    link = settle(slots, birth, tell)
    try:
        return (Config(overlay(_read_settings(source), link)) if link else config), slots
    except ConfigError:
        return config, slots


def restore_pushed(agent, slots: State) -> None:
    """Apply the rest of that configuration; without what reads it, the settings alone hold."""
    if slots.load() is None:
        return
    try:
        from .core.pushing import restore
    except ImportError:
        agent.getLogger("agent").error("no part config, pushed is off")
    else:
        restore(agent, slots)


def make_wifi(config: Config):
    """The Wi-Fi of the settings, or None."""
    if not config.wifi:
        return None
    from .ports.wifi import WiFi

    return WiFi(config.wifi["ssid"], config.wifi.get("password", ""))


def make_ground(config: Config, board) -> tuple:
    """(board, folder) to stand on before there is an agent; the board may be given."""
    from .ports.board import Board
    from .ports.files import Folder

    return board or Board(), Folder(config.data)


def make_link(link, config: Config, network: tuple, device: bytes, board, make_state, hear):
    """The developer's link or the one that the server's address asks for; only that is imported.

    `network` is the Wi-Fi or None, and a function that lets a call block for some ms.
    """
    if link is not None:
        return link(hear)
    from .ports.stream import Stream

    part = "tls"
    try:
        tls = _make_tls(config, board) if config.is_secure else None
        stream = Stream(config.host, config.port, tls, *network)
        part = "mqtt" if config.is_mqtt else "http"
        if not config.is_mqtt:
            from .ports.http import HTTPLink

            return HTTPLink(stream, config.path, hear)
        from .ports.mqtt import MQTTLink

        return MQTTLink(stream, config, device.hex(), make_state, hear)
    except ImportError as error:
        from .core.reporting.lacking import advise

        raise ConfigError("config 'server' is %r: %s (%s)" % (config.server, advise(part), error))


def forget_assembly() -> None:
    """Drop this module and what only it needs."""
    forget(
        __name__,
        _AGENT + ".core.settings",
        _AGENT + ".core.boots",
        _AGENT + ".core.dates",
        _AGENT + ".core.claiming",
        _AGENT + ".core.resets",
        _AGENT + ".core.lastwords",
        _AGENT + ".ports.cells",
        _AGENT + ".ports.tls",
    )
    rest()


def _make_tls(config: Config, board):
    """The context, and a clock that is not earlier than what made the board and its CA."""
    from .core.dates import firmware_ms, not_before_ms
    from .ports.tls import make_context

    ca = _read_file("ca", config.ca) if config.ca else None
    board.set_clock(max(firmware_ms(sys.version), not_before_ms(ca or b"")))
    return make_context(ca)


def _read_file(setting: str, path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ConfigError("config %r is %r: there is no such file to read" % (setting, path))
