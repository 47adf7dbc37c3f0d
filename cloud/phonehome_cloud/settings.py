"""The settings: what each is called, how its value is read, and what it wants.

The page that lists them is made from this table (`reference`).
"""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from .setting import Secret, Setting, read_text, read_whole
from .telling_settings import TELLING_SETTINGS
from .visiting_settings import VISITING_SETTINGS


def _url(value: Any) -> str:
    if value and "://" not in read_text(value):
        raise ValueError
    return read_text(value)


def _required_url(value: Any) -> str:
    if not value:
        raise ValueError
    return _url(value)


def _addresses(value: Any) -> frozenset[str]:
    words = [word.strip() for word in read_text(value).split(",") if word.strip()]
    return frozenset(str(ip_address(word)) for word in words)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "1": True, "false": False, "0": False}[read_text(value).lower()]


def _matching(pattern: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not re.fullmatch(pattern, read_text(value)):
            raise ValueError
        return read_text(value)

    return read


def _positive(value: Any) -> float:
    number = float(value) if isinstance(value, (str, int, float)) else 0.0
    if isinstance(value, bool) or not 0 < number < float("inf"):
        raise ValueError
    return number


def _share(value: Any) -> float:
    number = float(value) if isinstance(value, (str, int, float)) else -1.0
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ValueError
    return number


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return read_text(value)

    return read


def _master_key(value: Any) -> Secret | None:
    if value == "":
        return None
    if any(len(bytes.fromhex(word)) != 32 for word in read_text(value).split(",")):
        raise ValueError
    return Secret(value)


def _token(value: Any) -> Secret | None:
    if value == "":
        return None
    if len(read_text(value)) < 16:
        raise ValueError
    return Secret(value)


_PORT = read_whole(0, 65535)
_A_PORT = "a port from 0 (any free one) to 65535"
_A_RATE = "a number above 0"
_A_PEM = "a path of a PEM file, or empty"
_client_id = _matching(r"[A-Za-z0-9.-]{1,64}")
_group = _matching(r"[^/+#\s]{0,64}")
_FLAG = "true or false"

SETTINGS: Final = (
    Setting(
        "server.host",
        "127.0.0.1",
        read_text,
        "a host name or address",
        "Where HTTP listens; put a TLS proxy in front before it is another address.",
    ),
    Setting("server.port", 8470, _PORT, _A_PORT, "The port of HTTP; the ready line names it."),
    Setting(
        "server.trusted_proxies",
        "127.0.0.1, ::1",
        _addresses,
        "IP addresses with commas between them, or empty",
        "Proxies: who may say by `X-Forwarded-Proto: https` that a request came over TLS, and by "
        "`X-Forwarded-For` or `Forwarded` from whom.",
    ),
    Setting(
        "server.public_url",
        "",
        _url,
        "a URL, or empty",
        "The address that browsers use, when a proxy is in front; `https:` secures cookies.",
    ),
    Setting(
        "store.url",
        "sqlite:///.phonehome/phonehome.db",
        _required_url,
        "a database URL: `sqlite:///phonehome.db`, `postgresql://user:password@host/name`",
        "The database, as SQLAlchemy writes it.",
    ),
    Setting(
        "keys.master",
        "",
        _master_key,
        "64 hex digits, several with commas between them, or empty to use `keys.file`",
        "The key that seals device keys; others behind it open what they sealed.",
        "PHONEHOME_MASTER_KEY",
    ),
    Setting(
        "keys.file",
        "",
        read_text,
        "a path, or empty for `master.key` beside the database",
        "Where the master key is, one a line; made at the first start beside an SQLite database. "
        "**Back it up apart from the database.**",
    ),
    Setting(
        "mqtt.url",
        "",
        _url,
        "`mqtt://[user:password@]host[:port]`, `mqtts://...`, or empty",
        "The broker to read.",
    ),
    Setting(
        "mqtt.client_id",
        "phonehome-receiver",
        _client_id,
        "1 to 64 letters, digits, dots and dashes",
        "Our name at the broker, whose session outlives us: each receiver has its own.",
    ),
    Setting(
        "mqtt.share",
        "",
        _group,
        "a name without / + #, or empty to be the only receiver",
        "Receivers of this name share the reports (MQTT 5 shared subscriptions).",
    ),
    Setting(
        "mqtt.ca", "", read_text, _A_PEM, "Who signed the broker's certificate; else the system."
    ),
    Setting("mqtt.certificate", "", read_text, _A_PEM, "What the receiver shows to the broker."),
    Setting("mqtt.key", "", read_text, _A_PEM, "The private key of that."),
    Setting("mqtt.embedded", False, _flag, _FLAG, "Run a broker inside, for a demo."),
    Setting(
        "mqtt.host", "127.0.0.1", read_text, "a host name or address", "Where that one listens."
    ),
    Setting("mqtt.port", 1883, _PORT, _A_PORT, "The port of the embedded broker."),
    Setting(
        "products.directory",
        "",
        read_text,
        "a directory of product files, or empty for those of the package",
        "Where titles, severities, causes and off-rules come from.",
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
        _FLAG,
        "Hand out device keys without TLS, too: on a bench that nobody else can listen to.",
    ),
    Setting(
        "intake.queue",
        5000,
        read_whole(1, 1_000_000),
        "a whole number from 1 to 1000000",
        "Messages that may wait for the commit; beyond it devices are told to come back.",
    ),
    Setting(
        "intake.batch",
        500,
        read_whole(1, 5000),
        "a whole number from 1 to 5000",
        "Messages in one commit at most.",
    ),
    Setting("intake.address_per_s", 500, _positive, _A_RATE, "Messages a second per address."),
    Setting("intake.address_burst", 2000, _positive, _A_RATE, "Messages at once per address."),
    Setting(
        "intake.key_per_s",
        20,
        _positive,
        _A_RATE,
        "Messages a second per device key; as many copies beside.",
    ),
    Setting(
        "intake.key_burst",
        200,
        _positive,
        _A_RATE,
        "Messages at once per device key; as many copies beside.",
    ),
    Setting(
        "tickets.reopen_window_s",
        7 * 86400,
        read_whole(0, 10 * 365 * 86400),
        "seconds, a whole number",
        "A fault that is back within this time reopens its resolved ticket.",
    ),
    *TELLING_SETTINGS,
    *VISITING_SETTINGS,
    Setting(
        "ready.free_mb",
        200,
        read_whole(0, 1_000_000_000),
        "megabytes, a whole number",
        "Below so much free space where the SQLite database is, `/readyz` says no.",
    ),
    Setting(
        "ready.lag_s",
        300,
        read_whole(1, 86400),
        "seconds, a whole number",
        "A record that waits longer for the digest is told by `/readyz`, which still says yes.",
    ),
    Setting(
        "log.format",
        "text",
        _one_of("text", "json"),
        "text or json",
        "One line of text an event, or one JSON object.",
    ),
    Setting(
        "trace.url",
        "",
        _url,
        "a URL as in `http://collector:4318/v1/traces`, or empty",
        "Where OpenTelemetry spans go by OTLP over HTTP; needs `pip install 'phonehome[traces]'`.",
    ),
    Setting(
        "trace.ratio",
        "0.01",
        _share,
        "a number from 0 to 1",
        "The share of requests and messages that is traced.",
    ),
)


def reference() -> str:
    """The table of all settings, for the page that lists them, in Markdown."""
    rows = ["| key | default | wants | what it is |", "|---|---|---|---|"]
    for setting in SETTINGS:
        name = f"`{setting.name}`" + (f", `{setting.variable}`" if setting.variable else "")
        rows.append(f"| {name} | {_shown(setting.default)} | {setting.wants} | {setting.text} |")
    return "\n".join(rows) + "\n"


def _shown(default: Any) -> str:
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if text else "empty"
