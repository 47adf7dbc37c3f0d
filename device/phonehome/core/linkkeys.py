"""The keys of a pushed configuration that change the way to the receiver: server and Wi-Fi.

They take the place of the file's at the next start, so that a link is only ever made in one way,
and a start is all it takes to go back.
"""

from phonehome_wire.compat import const
from phonehome_wire.pushed import TEXTS

from .errors import ConfigError

# Folded away on a board; a test holds them to the wire's registry and limits.
_PUSHED_OK = const(0)
_PUSHED_OUT_OF_RANGE = const(3)
_PUSHED_UNSUPPORTED = const(5)

# As in TEXTS of the wire; a test holds them to it.
_SERVER = const(7)
_SSID = const(8)
_PASSWORD = const(9)

_PORTS = __name__.rpartition(".core.")[0] + ".ports"


def link_of(values: dict) -> dict:
    """Those of {key: value} that are about the way to the receiver."""
    return {key: values[key] for key in TEXTS if key in values}


def judge_link(hands, link: dict, judged: dict) -> None:
    """Say in `judged` which of them this device cannot take; the others were good alone."""
    if not hands.board.can_reboot:
        _refuse(judged, link, _PUSHED_UNSUPPORTED)  # nobody would make the new link
        return
    if _SERVER in link and not judged[_SERVER]:
        judged[_SERVER] = _judge_server(hands.config, link[_SERVER])
    wifi = {key: link[key] for key in (_SSID, _PASSWORD) if key in link}
    if wifi and not hands.config.wifi:
        _refuse(judged, wifi, _PUSHED_UNSUPPORTED)  # its network is another one
    elif wifi and _SSID not in wifi:
        _refuse(judged, wifi, _PUSHED_OUT_OF_RANGE)  # a password of which network


def overlay(settings: dict, link: dict) -> dict:
    """The settings of the file with these in their place."""
    changed = dict(settings)
    if _SERVER in link:
        changed["server"] = link[_SERVER]
    if _SSID in link:
        changed["wifi"] = {"ssid": link[_SSID], "password": link.get(_PASSWORD, "")}
    return changed


def _refuse(judged: dict, keys, status: int) -> None:
    for key in keys:
        judged[key] = judged[key] or status


def _judge_server(config, url: str) -> int:
    """As the file's would be judged: what was protected stays protected."""
    from .reporting.lacking import is_installed
    from .settings import split_url

    try:
        is_mqtt, is_secure = split_url(url)[:2]
    except ConfigError:
        return _PUSHED_OUT_OF_RANGE
    if not config.insecure and not is_secure:
        return _PUSHED_OUT_OF_RANGE
    needed = [_PORTS + ".mqtt" if is_mqtt else _PORTS + ".http"]
    if is_secure:
        needed.append(_PORTS + ".tls")
    for module in needed:
        if not is_installed(module):
            return _PUSHED_UNSUPPORTED
    return _PUSHED_OK
