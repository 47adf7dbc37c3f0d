"""Settings: one TOML file and the environment, read once, checked, frozen.

Each setting is a row of settings.SETTINGS. `PHONEHOME_<SECTION>_<KEY>` overrides the file; two
secrets have short names of their own, PHONEHOME_MASTER_KEY and PHONEHOME_API_TOKEN.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from .core.telling.guarding import Network
from .errors import ConfigError
from .setting import ENVIRONMENT_PREFIX, Secret, Setting
from .settings import SETTINGS


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
    """The broker to read from, or an embedded one on `port`; neither means no MQTT.

    `client_id` and `share` say who we are there; `ca`, `certificate` and `key` are PEM files.
    """

    url: str
    client_id: str
    share: str
    ca: str
    certificate: str
    key: str
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
class MailConfig:
    """The relay of letters (None: no mail), who writes them, and who signed its certificate."""

    url: Secret | None
    sender: str
    name: str
    reply_to: str
    ca: str


@dataclass(frozen=True, slots=True)
class TellingConfig:
    """How owners are told: letters a day, quiet minutes of theirs (from, until); the lease, and
    how long effects are kept.
    """

    daily_cap: int
    quiet: tuple[int, int]
    language: str
    lease_s: int
    kept_days: int


@dataclass(frozen=True, slots=True)
class MailboxConfig:
    """Where calendars answer to (None: nobody reads that), and how often it is looked at."""

    url: Secret | None
    ca: str
    every_s: int


@dataclass(frozen=True, slots=True)
class WebhooksConfig:
    """Networks inside that events may go to, and who signed certificates there."""

    networks: tuple[Network, ...]
    ca: str


@dataclass(frozen=True, slots=True)
class ReadyConfig:
    """What `/readyz` wants: free space in 10**6 bytes, and a digest that is not far behind."""

    free_mb: int
    lag_s: int


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How log lines look: "text" or "json"."""

    format: str


@dataclass(frozen=True, slots=True)
class TraceConfig:
    """Where spans go (empty: nowhere), and the share that is sampled."""

    url: str
    ratio: float


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
    mail: MailConfig
    telling: TellingConfig
    webhooks: WebhooksConfig
    mailbox: MailboxConfig
    ready: ReadyConfig
    log: LogConfig
    trace: TraceConfig


_NEAR: Final = 0.95  # PHONEHOME_STOR_URL means store.url; what is less alike is something else
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
    "mail": MailConfig,
    "telling": TellingConfig,
    "webhooks": WebhooksConfig,
    "mailbox": MailboxConfig,
    "ready": ReadyConfig,
    "log": LogConfig,
    "trace": TraceConfig,
}


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The settings of a TOML file (None: defaults) under those of the environment.

    Raises ConfigError with every problem at once: unknown keys, wrong values, an unreadable file.
    """
    problems: list[str] = []
    given = _flatten(_read_file(path), problems) if path else {}
    problems += _misspelt(environ)
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


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: a receiver that ignored one would start on
    another database than its operator means. Others of the prefix are for the tools.
    """
    known = {setting.environment(): setting.name for setting in SETTINGS}
    problems = []
    for name in sorted(environ.keys() - known.keys()):
        if not name.startswith(ENVIRONMENT_PREFIX):
            continue
        section, _, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        near = [v for v, setting in known.items() if key and setting.startswith(section + ".")]
        if near := near or get_close_matches(name, known, cutoff=_NEAR):
            problems.append(f"{name}: no such setting; use one of {', '.join(near)}")
    return problems


def _read(setting: Setting, given: Mapping[str, Any], problems: list[str]) -> Any:
    value = given.get(setting.name, setting.default)
    try:
        return setting.read(value)
    except (ValueError, TypeError, KeyError):
        secret = setting.variable != "" or "@" in str(value)  # URLs may hold a password
        shown = "its value (not shown)" if secret else repr(value)
        problems.append(f"{setting.name} = {shown}: want {setting.wants.replace('`', '')}")
        return None
