"""What the facts of a board mean: a row each, with what to do where something is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from phonehome_tools.doctoring.asking import Facts
from phonehome_tools.packaging.firmware import OLDEST, parse_release

GOOD, LOOK, BAD = "good", "look", "bad"
_KIB: Final = 1024
# What the agent with a washer takes at its start with a TLS connection; and that one beside it.
_LEAST_HEAP: Final = 110 * _KIB
_LEAST_BESIDE: Final = 32 * _KIB
# Room for the archive of a push, and for records.
_LEAST_FLASH: Final = 128 * _KIB
_CLOCK_S: Final = 120
_YEARS_OFF: Final = (
    1  # a clock that was set is not further off; one that was not says 2000 or 2021
)
_WITH_TLS: Final = ("https://", "mqtts://")
_KEY_BYTES: Final = 33
_EROFS: Final = 30
_FAT_BLOCK: Final = 512
_TROUBLE: Final = ("brown", "crash", "memory", "panic", "watchdog")  # in what the agent says of it


@dataclass(frozen=True)
class Finding:
    """One row: what, its value, and how that is; `advice` where there is something to do."""

    name: str
    value: str
    state: str = GOOD
    advice: str = ""


def judge(facts: Facts, now: datetime, ours: str) -> list[Finding]:
    """All rows about a board; `ours` is the release of the agent that push installs."""
    found = [Finding("board", facts.firmware.board), *_firmware(facts), *_memory(facts)]
    found += [*_agent(facts, ours), *_settings(facts), *_key(facts), *_network(facts)]
    return [*found, *_clock(facts, now), *_reset(facts)]


def _firmware(facts: Facts) -> Iterator[Finding]:
    firmware = facts.firmware
    fits = firmware.kind == "micropython" and firmware.release[:2] >= OLDEST
    advice = "" if fits else "flash MicroPython 1.24 or newer: https://micropython.org/download"
    yield Finding("firmware", firmware.name, GOOD if fits else BAD, advice)
    loads = firmware.mpy == 6
    advice = "" if loads else "the agent is .mpy version 6: update the firmware"
    yield Finding("mpy version", str(firmware.mpy or "none"), GOOD if loads else BAD, advice)


def _memory(facts: Facts) -> Iterator[Finding]:
    more = facts.more
    free, size = more["heap_free"], more["heap_size"]
    text = f"{free // _KIB} KB free of {size // _KIB} KB"
    if more["is_running"]:
        state = GOOD if free >= _LEAST_BESIDE else LOOK
        advice = "" if state == GOOD else "TLS wants 26 KB: make the application smaller"
        yield Finding("heap", f"{text}, with the agent", state, advice)
    elif free >= _LEAST_HEAP:
        yield Finding("heap", text)
    else:
        yield Finding("heap", text, LOOK, "the agent wants 110 KB: is something else in boot.py?")
    block = more["flash_block"]
    free, size = more["flash_free"] * block, more["flash_blocks"] * block
    text = f"{free // _KIB} KB free of {size // _KIB} KB"
    if more["write_errno"] == _EROFS:
        yield Finding("flash", f"{text}, read-only", BAD, "look for a mount in boot.py, or format")
    elif more["write_errno"]:
        advice = "remove files of your own, or format it"
        yield Finding("flash", f"{text}, error {more['write_errno']}", BAD, advice)
    elif block == _FAT_BLOCK:
        yield Finding("flash", f"{text}, FAT", LOOK, "not safe in a power cut: format as littlefs")
    elif free < _LEAST_FLASH:
        yield Finding("flash", text, LOOK, "records and updates want 128 KB")
    else:
        yield Finding("flash", text)


def _agent(facts: Facts, ours: str) -> Iterator[Finding]:
    more = facts.more
    push = f"phonehome push {facts.port} --product NAME --app FILE"
    if more["is_hidden"]:
        text = "a folder /phonehome hides the agent"
        yield Finding("agent", text, BAD, "remove or rename it: the root is searched first")
    elif not facts.files:
        yield Finding("agent", "none", BAD, push)
    elif facts.agent and parse_release(facts.agent) < parse_release(ours):
        text = f"{facts.agent}, {ours} is here"
        yield Finding("agent", text, LOOK, f"phonehome push {facts.port}")
    elif facts.differing:
        text = f"{facts.agent or 'another build'}: {facts.differing} of {facts.files} files differ"
        yield Finding("agent", text, LOOK, f"phonehome push {facts.port}")
    elif facts.lacking:
        text = f"without {', '.join(facts.lacking)}, which its settings ask for"
        yield Finding("agent", text, BAD, f"phonehome push {facts.port}")
    else:
        state = "running" if facts.agent else "not running"
        yield Finding("agent", f"{ours}, {state}")
    if more["is_cut_short"]:
        yield Finding("push", "cut short", LOOK, "the next start finishes it, or: phonehome push")
    yield from _application(facts, push)


def _application(facts: Facts, push: str) -> Iterator[Finding]:
    more = facts.more
    lacks = [name for name in ("main", "app", "product") if not more[f"has_{name}"]]
    if facts.files and lacks:
        yield Finding("application", f"no {', '.join(lacks)}", BAD, push)
    elif facts.files and not more["is_main_ours"]:
        text = "/main.py is not that of push"
        yield Finding("application", text, LOOK, "an update cannot be finished after a power cut")
    elif facts.files:
        yield Finding("application", "main, app, product")


def _settings(facts: Facts) -> Iterator[Finding]:
    more = facts.more
    provision = f"phonehome provision {facts.port} --server URL"
    if not more["has_config"]:
        yield Finding("settings", "none", BAD, provision)
        return
    if more["config_error"]:
        yield Finding("settings", f"phonehome.json is {more['config_error']}", BAD, provision)
        return
    server = more["server"]
    if not server:
        yield Finding("server", "none", BAD, provision)
    elif more["is_insecure"]:
        yield Finding(
            "server", f"{server}, not verified", LOOK, "for the bench only: use https://"
        )
    elif not more["has_ca"]:
        text = f"{server}, CA {more['ca'] or 'not named'}"
        yield Finding("server", f"{text}: not there", BAD, f"{provision} --ca FILE")
    else:
        yield Finding("server", server)


def _key(facts: Facts) -> Iterator[Finding]:
    more = facts.more
    device = more["device"] or facts.device
    if not device:
        yield Finding("device", "no EUI-64", BAD, 'write "device" into phonehome.json')
    elif facts.device and device != facts.device:
        text = f"{device}, but this board is {facts.device}"
        yield Finding("device", text, BAD, "its settings are another board's: provision it")
    else:
        yield Finding("device", device)
    provision = f"phonehome provision {facts.port} --server URL"
    size, epoch = more["key_bytes"], more["key_epoch"]
    if size == _KEY_BYTES and epoch:
        waits = ", the next one waits for its ack" if more["has_next_key"] else ""
        yield Finding("key", f"epoch {epoch}{waits}")
    elif size >= 0:
        text = f"{size} bytes, not {_KEY_BYTES}"
        yield Finding("key", text, BAD, f"{provision} --replace")
    elif more["has_claim"]:
        yield Finding("key", "none yet; it asks for one with its claim", LOOK, "wait for it")
    else:
        yield Finding("key", "none", BAD, provision)


def _network(facts: Facts) -> Iterator[Finding]:
    network, ssid = facts.more["network"], facts.more["ssid"]
    if network is None:
        if ssid:
            yield Finding("Wi-Fi", f"no radio for {ssid}", BAD, "this board has no Wi-Fi")
        else:
            yield Finding("Wi-Fi", "no radio")
        return
    is_active, is_connected, address, rssi = network
    strength = f", {rssi} dBm" if rssi is not None else ""
    if is_connected:
        yield Finding("Wi-Fi", f"{ssid or 'joined'}, {address}{strength}")
    elif not ssid:
        advice = f"phonehome provision {facts.port} --server URL --wifi SSID"
        yield Finding("Wi-Fi", "no network is set", LOOK, advice)
    else:
        state = "not joined" if is_active else "off"
        yield Finding("Wi-Fi", f"{ssid}: {state}", LOOK, "in range? 2.4 GHz? the password?")


def _clock(facts: Facts, now: datetime) -> Iterator[Finding]:
    year, month, day, hour, minute, second = facts.more["clock"]
    clock = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    text = f"{clock:%Y-%m-%d %H:%M:%S}"
    off_s = abs((clock - now).total_seconds())
    if off_s <= _CLOCK_S:
        yield Finding("clock", text)
        return
    if facts.more["server"].startswith(_WITH_TLS):
        advice = "no harm: where certificates fail by it, the agent asks the receiver"
    else:
        advice = "no harm: without TLS nothing needs it"
    is_set = now.year - year <= _YEARS_OFF
    yield Finding("clock", text if is_set else f"not set: {text}", LOOK, advice)


def _reset(facts: Facts) -> Iterator[Finding]:
    cause = facts.more["reset_cause"]
    if any(word in facts.reset for word in _TROUBLE):
        yield Finding("last reset", facts.reset, LOOK, f"phonehome console {facts.port}, then log")
    elif facts.reset:
        yield Finding("last reset", facts.reset)
    else:
        yield Finding("last reset", f"{cause or 'not known'}, as the firmware has it")
