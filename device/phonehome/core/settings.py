"""What the settings may be, with the fix for each mistake; needed once a boot."""

from .errors import ConfigError

KNOWN = [
    "device",
    "server",
    "ca",
    "key",
    "claim",
    "code",
    "enroll",
    "time",
    "ntp",
    "data",
    "build",
    "user",
    "password",
    "insecure",
    "wifi",
    "heartbeat_s",
    "settle_ms",
    "gather_ms",
    "outbox_bytes",
    "ack_s",
    "keepalive_s",
    "commands",
    "trial_s",
    "watchdog_ms",
    "dead_boots",
    "console",
    "pin",
]
_LEAST_WATCHDOG_MS = 1000
_NTP_PORT = 123
_SCHEMES = {
    # scheme: (is mqtt, is secure, default port)
    "https": (False, True, 443),
    "http": (False, False, 80),
    "mqtts": (True, True, 8883),
    "mqtt": (True, False, 1883),
}


def fill(config, settings: dict) -> None:
    """Check settings and make them attributes of `config`."""
    for key in settings:
        if key not in KNOWN:
            raise ConfigError("config %r: no such setting; remove it or see examples/" % key)
    config.device = _text(settings, "device", "")
    config.server = _text(settings, "server", None)
    config.ca = _text(settings, "ca", "")
    config.key = _text(settings, "key", "phonehome.key")
    config.claim = _text(settings, "claim", "")
    config.code = _text(settings, "code", "")
    config.data = _text(settings, "data", "phonehome-data")
    config.build = _text(settings, "build", "")
    config.user = settings.get("user")
    config.password = settings.get("password")
    config.insecure = settings.get("insecure", False) is True
    config.wifi = settings.get("wifi")
    config.heartbeat_s = _number(settings, "heartbeat_s", 300, 1, 86400)
    # The boot is written that late: spares the flash in a boot loop.
    config.settle_ms = _number(settings, "settle_ms", 10000, 0, 60000)
    # Records of one moment travel in one report.
    config.gather_ms = _number(settings, "gather_ms", 500, 0, 60000)
    config.outbox_bytes = _number(settings, "outbox_bytes", 65536, 8192, 16777216)
    config.ack_s = _number(settings, "ack_s", 30, 1, 300)
    config.keepalive_s = _number(settings, "keepalive_s", 120, 2, 240)
    # So long a pushed configuration may take to prove itself before it is taken back.
    config.trial_s = _number(settings, "trial_s", 600, 1, 86400)
    config.commands = _codes(settings.get("commands"))
    config.watchdog_ms = _number(settings, "watchdog_ms", 8000, 0, 60000)
    if 0 < config.watchdog_ms < _LEAST_WATCHDOG_MS:
        raise ConfigError(
            "config 'watchdog_ms' is %d: a healthy loop may be busy for a second; want 0 (off) or "
            "%d..60000" % (config.watchdog_ms, _LEAST_WATCHDOG_MS)
        )
    # After so many boots in a row that died young the application stays off; 0: never.
    config.dead_boots = _number(settings, "dead_boots", 3, 0, 15)
    config.console = _flag(settings, "console")
    config.pin = _text(settings, "pin", "")
    if config.pin and config.pin.count("$") != 3:
        raise ConfigError("config 'pin' is not what 'phonehome pin' prints; make it anew")
    config.is_mqtt, config.is_secure, config.host, config.port, config.path = split_url(
        config.server
    )
    _check_data(config.data)
    _check_wifi(config)
    _check_protection(config)
    _fill_contact(config, settings)


def _fill_contact(config, settings: dict) -> None:
    """Where a board asks for a key and for the time."""
    config.enroll = _enroll_address(config, _text(settings, "enroll", ""))
    config.time = _time_address(config, _text(settings, "time", ""))
    config.ntp = _ntp_address(_text(settings, "ntp", ""))
    if config.code and not 4 <= len(config.code.encode()) <= 32:
        raise ConfigError("config 'code' is %r: want 4 to 32 bytes" % config.code)


def _enroll_address(config, url: str) -> tuple:
    """(is secure, host, port, path) of the asking for a key; under TLS unless it is said so."""
    if not url:
        if config.is_mqtt:
            return True, config.host, _SCHEMES["https"][2], ""
        return config.is_secure, config.host, config.port, config.path
    is_mqtt, is_secure, host, port, path = split_url(url, "enroll")
    if is_mqtt or not (is_secure or config.insecure):
        raise ConfigError(
            "config 'enroll' is %r: a key must not travel unprotected; use https://, "
            'or say "insecure": true' % url
        )
    return is_secure, host, port, path


def _time_address(config, url: str) -> tuple:
    """(False, host, port, path) of the asking for the time."""
    if not url:
        return False, config.host, _SCHEMES["http"][2], ""
    is_mqtt, *address = split_url(url, "time")
    if is_mqtt or address[0]:
        raise ConfigError(
            "config 'time' is %r: want http://HOST:PORT, as TLS needs the time first" % url
        )
    return tuple(address)


def _ntp_address(text: str) -> tuple:
    """(host, port) of a server of time that nobody signs for, () for none."""
    host, separator, digits = text.partition(":")
    is_port = digits.isdigit() and 0 < int(digits) < 65536
    if "/" in text or (separator and not (host and is_port)):
        raise ConfigError("config 'ntp' is %r: want HOST or HOST:PORT, without http://" % text)
    return (host, int(digits) if separator else _NTP_PORT) if host else ()


def _check_data(data: str) -> None:
    """A board looks for modules in the root first: a folder of the agent's name would hide it."""
    if data.strip("/") in ("phonehome", "phonehome_wire", "umqtt"):
        raise ConfigError(
            "config 'data' is %r: the next boot would take this folder for a module; write "
            '"phonehome-data"' % data
        )


def _check_wifi(config) -> None:
    if config.wifi is not None and "ssid" not in config.wifi:
        raise ConfigError(
            "config 'wifi': 'ssid' is missing; write {\"ssid\": ..., \"password\": ...}"
        )


def _check_protection(config) -> None:
    if config.insecure:
        return
    if not config.is_secure:
        raise ConfigError(
            "config 'server' is %r: reports would travel unprotected; use https:// or mqtts://, "
            'or say "insecure": true' % config.server
        )
    if not config.ca:
        raise ConfigError(
            "config 'ca' is missing: nothing verifies the receiver; give the path of its CA "
            'certificate as DER, or say "insecure": true'
        )


def split_url(url: str, key: str = "server") -> tuple:
    """(is mqtt, is secure, host, port, path) of the address in a setting."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in _SCHEMES:
        raise ConfigError(
            "config %r is %r: want https://HOST:PORT or mqtts://HOST:PORT" % (key, url)
        )
    is_mqtt, is_secure, port = _SCHEMES[scheme]
    address, _, path = rest.partition("/")
    host, separator, digits = address.rpartition(":")
    if separator:
        if not digits.isdigit() or not 0 < int(digits) < 65536:
            raise ConfigError("config %r is %r: the port is not in 1..65535" % (key, url))
        port = int(digits)
    else:
        host = digits
    if not host:
        raise ConfigError("config %r is %r: the host is missing" % (key, url))
    return is_mqtt, is_secure, host, port, "/" + path.rstrip("/") if path else ""


def parse_device(text: str) -> bytes:
    """The 8 bytes of a device id of 16 hex digits."""
    if len(text) != 16 or any(char not in "0123456789abcdef" for char in text):
        raise ConfigError(
            "config 'device' is %r: want the EUI-64 as 16 lower-case hex digits" % text
        )
    return bytes([int(text[i : i + 2], 16) for i in range(0, 16, 2)])


def _codes(codes) -> "list | None":
    """The commands that are allowed; None: those of the agent and those that are registered."""
    if codes is None:
        return None
    if not isinstance(codes, list) or [c for c in codes if type(c) is not int or not 0 < c < 256]:
        raise ConfigError(
            "config 'commands' is %r: want a list of codes in 1..255, as in [1, 2, 7]" % (codes,)
        )
    return list(codes)


def _number(settings: dict, key: str, default: int, least: int, greatest: int) -> int:
    value: int = settings.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
        raise ConfigError(
            "config %r is %r: want a whole number in %d..%d" % (key, value, least, greatest)
        )
    return value


def _flag(settings: dict, key: str) -> "bool | None":
    value: bool | None = settings.get(key)
    if value is not None and value is not True and value is not False:
        raise ConfigError("config %r is %r: want true or false" % (key, value))
    return value


def _text(settings: dict, key: str, default: "str | None") -> str:
    value = settings.get(key, default)
    if value is None:
        raise ConfigError("config %r is missing; see examples/" % key)
    if not isinstance(value, str):
        raise ConfigError("config %r is %r: want a text" % (key, value))
    return value
