"""Settings: one TOML file and the environment, read once, checked, frozen.

Each setting is a row of SETTINGS. `PHONEHOME_<SECTION>_<KEY>` overrides the file; two secrets have
short names of their own, PHONEHOME_MASTER_KEY and PHONEHOME_API_TOKEN.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from .errors import ConfigError

ENVIRONMENT_PREFIX: Final = "PHONEHOME_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is never printed; `reveal` it at the place that needs it."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself."""
        return self._value


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where HTTP listens, the address that pages name, and who may say that TLS was there."""

    host: str
    port: int
    public_url: str
    trusted_proxies: frozenset[str]


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The database as an SQLAlchemy URL."""

    url: str


@dataclass(frozen=True, slots=True)
class KeysConfig:
    """Master keys as 64 hex digits with commas between them, or the file that holds them."""

    master: Secret | None
    file: str


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """The broker to read from, or an embedded one on `port`; neither means no MQTT."""

    url: str
    embedded: bool
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ProductsConfig:
    """Where product files are; empty means those that come with the package."""

    directory: str


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """A token that is valid from the first start on."""

    token: Secret | None


@dataclass(frozen=True, slots=True)
class EnrollConfig:
    """Whether device keys may travel without TLS."""

    plain: bool


@dataclass(frozen=True, slots=True)
class IntakeConfig:
    """Bounds of intake: messages that may wait, and how fast an address or a key may come."""

    queue: int
    batch: int
    address_per_s: float
    address_burst: float
    key_per_s: float
    key_burst: float


@dataclass(frozen=True, slots=True)
class TicketsConfig:
    """How long after its resolution a ticket is reopened instead of a new one being opened."""

    reopen_window_s: int


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the receiver was told; made once by load_config."""

    server: ServerConfig
    store: StoreConfig
    keys: KeysConfig
    mqtt: MqttConfig
    products: ProductsConfig
    api: ApiConfig
    enroll: EnrollConfig
    intake: IntakeConfig
    tickets: TicketsConfig


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of the configuration: its default, how its value is read, and what it wants."""

    name: str
    default: Any
    read: Callable[[Any], Any]
    wants: str
    text: str
    variable: str = ""

    def environment(self) -> str:
        """The environment variable that overrides the file."""
        return self.variable or ENVIRONMENT_PREFIX + self.name.upper().replace(".", "_")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _url(value: Any) -> str:
    if value and "://" not in _text(value):
        raise ValueError
    return _text(value)


def _required_url(value: Any) -> str:
    if not value:
        raise ValueError
    return _url(value)


def _addresses(value: Any) -> frozenset[str]:
    words = [word.strip() for word in _text(value).split(",") if word.strip()]
    return frozenset(str(ip_address(word)) for word in words)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[_text(value).lower()]


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError
        return number

    return read


def _positive(value: Any) -> float:
    number = float(value) if isinstance(value, (str, int, float)) else 0.0
    if isinstance(value, bool) or not 0 < number < float("inf"):
        raise ValueError
    return number


def _master_key(value: Any) -> Secret | None:
    if value == "":
        return None
    if any(len(bytes.fromhex(word)) != 32 for word in _text(value).split(",")):
        raise ValueError
    return Secret(value)


def _token(value: Any) -> Secret | None:
    if value == "":
        return None
    if len(_text(value)) < 16:
        raise ValueError
    return Secret(value)


_PORT = _whole(0, 65535)
_A_PORT = "a port from 0 (any free one) to 65535"
_A_RATE = "a number above 0"

SETTINGS: Final = (
    Setting("server.host", "127.0.0.1", _text, "a host name or address", "Where HTTP listens."),
    Setting("server.port", 8470, _PORT, _A_PORT, "The port of HTTP."),
    Setting(
        "server.trusted_proxies",
        "127.0.0.1, ::1",
        _addresses,
        "IP addresses with commas between them, or empty",
        "Who may say by X-Forwarded-Proto that a request came over TLS.",
    ),
    Setting("server.public_url", "", _url, "a URL, or empty", "What links and pages name."),
    Setting(
        "store.url",
        "sqlite:///.phonehome/phonehome.db",
        _required_url,
        "a database URL, as in sqlite:///phonehome.db or postgresql://user:password@host/name",
        "The database.",
    ),
    Setting(
        "keys.master",
        "",
        _master_key,
        "64 hex digits, several with commas between them, or empty to use keys.file",
        "The key that seals device keys; others behind it open what they sealed.",
        "PHONEHOME_MASTER_KEY",
    ),
    Setting(
        "keys.file",
        "",
        _text,
        "a path, or empty for master.key beside the database",
        "Where the master key is; made at the first start beside an SQLite database.",
    ),
    Setting("mqtt.url", "", _url, "a URL as in mqtt://host:1883, or empty", "The broker to read."),
    Setting("mqtt.embedded", False, _flag, "true or false", "Run a broker inside the receiver."),
    Setting("mqtt.host", "127.0.0.1", _text, "a host name or address", "Where it listens."),
    Setting("mqtt.port", 1883, _PORT, _A_PORT, "The port of the embedded broker."),
    Setting(
        "products.directory",
        "",
        _text,
        "a directory of product files, or empty for those of the package",
        "Where titles, severities and causes come from.",
    ),
    Setting(
        "api.token",
        "",
        _token,
        "at least 16 characters, or empty",
        "An API token that is valid from the first start on.",
        "PHONEHOME_API_TOKEN",
    ),
    Setting(
        "enroll.plain",
        False,
        _flag,
        "true or false",
        "Hand out device keys without TLS, too: on a bench that nobody else can listen to.",
    ),
    Setting(
        "intake.queue",
        5000,
        _whole(1, 1_000_000),
        "a whole number from 1 to 1000000",
        "Messages that may wait for the commit; beyond it devices are told to come back.",
    ),
    Setting(
        "intake.batch",
        500,
        _whole(1, 5000),
        "a whole number from 1 to 5000",
        "Messages in one commit at most.",
    ),
    Setting("intake.address_per_s", 500, _positive, _A_RATE, "Messages a second per address."),
    Setting("intake.address_burst", 2000, _positive, _A_RATE, "Messages at once per address."),
    Setting("intake.key_per_s", 20, _positive, _A_RATE, "Messages a second per device key."),
    Setting("intake.key_burst", 200, _positive, _A_RATE, "Messages at once per device key."),
    Setting(
        "tickets.reopen_window_s",
        7 * 86400,
        _whole(0, 10 * 365 * 86400),
        "seconds, a whole number",
        "A fault that is back within this time reopens its resolved ticket.",
    ),
)

_SECTIONS: Final = {
    "server": ServerConfig,
    "store": StoreConfig,
    "keys": KeysConfig,
    "mqtt": MqttConfig,
    "products": ProductsConfig,
    "api": ApiConfig,
    "enroll": EnrollConfig,
    "intake": IntakeConfig,
    "tickets": TicketsConfig,
}


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings of a TOML file (None: defaults) under those of the environment.

    Raises ConfigError with every problem at once: unknown keys, wrong values, an unreadable file.
    """
    problems: list[str] = []
    given = _flatten(_read_file(path), problems) if path else {}
    given |= {s.name: environ[s.environment()] for s in SETTINGS if s.environment() in environ}
    values = {setting.name: _read(setting, given, problems) for setting in SETTINGS}
    if problems:
        raise ConfigError(problems)
    return Config(**{name: _section(name, make, values) for name, make in _SECTIONS.items()})


def _section(section: str, make: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    start = section + "."
    return make(**{k.removeprefix(start): v for k, v in values.items() if k.startswith(start)})


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}; write it as TOML, in UTF-8"]) from error


def _flatten(document: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """{section.key: value}; what is not in SETTINGS is a problem, never ignored."""
    known = {setting.name for setting in SETTINGS}
    found: dict[str, Any] = {}
    for section, table in document.items():
        pairs = table.items() if isinstance(table, dict) else [("", table)]
        found |= {f"{section}.{key}".rstrip("."): value for key, value in pairs}
    for name in sorted(found.keys() - known):
        near = [k for k in sorted(known) if k.split(".")[0] == name.split(".")[0]]
        problems.append(f"{name}: no such setting; use one of {', '.join(near or sorted(known))}")
    return {name: value for name, value in found.items() if name in known}


def _read(setting: Setting, given: Mapping[str, Any], problems: list[str]) -> Any:
    value = given.get(setting.name, setting.default)
    try:
        return setting.read(value)
    except (ValueError, TypeError, KeyError):
        secret = setting.variable != ""
        shown = "its value (not shown)" if secret else repr(value)
        problems.append(f"{setting.name} = {shown}: want {setting.wants}")
        return None
