"""The birth of a boot: a device says it once, and again when the receiver asks for the catalog."""

from .compat import const
from .encoder import Encoder
from .errors import EncodeError
from .head import put_name

# Folded away on a board; a test holds them to registry and limits.
_MAX_AGENT_BYTES = const(32)
_MAX_CHANNEL_NAME_BYTES = const(24)
_MAX_CHANNEL_UNIT_BYTES = const(12)
_MAX_PLATFORM_BYTES = const(48)
_HELLO_AGENT = const(0)
_HELLO_CATALOG = const(5)
_HELLO_CLEAN_BOOT = const(3)
_HELLO_CONFIG_VERSION = const(4)
_HELLO_DEAD_BOOTS = const(18)
_HELLO_PLATFORM = const(2)
_HELLO_RESET_CAUSE = const(1)
_HELLO_RESET_CERTAINTY = const(16)
_HELLO_RESET_NAME = const(17)
_HELLO_STATE_LOST = const(6)


def put_hello(
    enc: Encoder,
    agent: str,
    reset_cause: int,
    platform: str,
    clean_boot: "int | None" = None,
    config_version: "int | None" = None,
    catalog: "list[tuple[int, str, str]] | None" = None,
    state_lost: bool = False,
    certainty: "int | None" = None,
    reset_name: str = "",
    dead_boots: "int | None" = None,
) -> None:
    """Body of a birth: agent version, RESET_*, board, last boot that ended cleanly, applied config
    version.

    `catalog` is (channel, name, unit) in ascending order of channels, sent when the receiver asked
    for it; `state_lost` says that the incarnation is new because the old one was lost;
    `certainty` is how sure the reset cause is (CERTAINTY_*), `reset_name` the task or exception
    behind it; `dead_boots` died young in a row, which is why the application stays off.
    """
    if not 0 <= reset_cause <= 15:
        raise EncodeError("range", "reset cause is %d, want 0..15" % reset_cause)
    at = enc.put_open_map()
    enc.put_uint(_HELLO_AGENT)
    _put_text(enc, "agent", agent, 1, _MAX_AGENT_BYTES)
    enc.put_field(_HELLO_RESET_CAUSE, reset_cause)
    enc.put_uint(_HELLO_PLATFORM)
    _put_text(enc, "platform", platform, 1, _MAX_PLATFORM_BYTES)
    count = 3 + enc.put_field(_HELLO_CLEAN_BOOT, clean_boot)
    count += enc.put_field(_HELLO_CONFIG_VERSION, config_version)
    if catalog is not None:
        enc.put_uint(_HELLO_CATALOG)
        _put_catalog(enc, catalog)
        count += 1
    if state_lost:
        enc.put_uint(_HELLO_STATE_LOST)
        enc.put_bool(True)
        count += 1
    count += enc.put_field(_HELLO_RESET_CERTAINTY, certainty)
    if reset_name:
        enc.put_uint(_HELLO_RESET_NAME)
        put_name(enc, reset_name)
        count += 1
    count += enc.put_field(_HELLO_DEAD_BOOTS, dead_boots)
    enc.close_map(at, count)


def _put_catalog(enc: Encoder, catalog: "list[tuple[int, str, str]]") -> None:
    enc.put_map(len(catalog))
    last = -1
    for channel, name, unit in catalog:
        if channel <= last:
            raise EncodeError("key order/dup", "channel %d behind channel %d" % (channel, last))
        enc.put_uint(channel)
        enc.put_array(2)
        _put_text(enc, "channel name", name, 1, _MAX_CHANNEL_NAME_BYTES)
        _put_text(enc, "channel unit", unit, 0, _MAX_CHANNEL_UNIT_BYTES)
        last = channel


def _put_text(enc: Encoder, what: str, text: str, min_bytes: int, max_bytes: int) -> None:
    if not min_bytes <= len(text.encode()) <= max_bytes:
        raise EncodeError("range", "%s %r, want %d..%d bytes" % (what, text, min_bytes, max_bytes))
    enc.put_text(text)
