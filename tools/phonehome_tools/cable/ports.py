"""Names of ports, as people type them: mpremote's words, and the EUI-64 of a device.

/dev/ttyACM0, COM3, /dev/cu.usbmodem1101   a port of this computer
socket://host:port, rfc2217://host:port    a terminal server, as pyserial takes them
a0, u0, c3                                 mpremote's short cuts
id:E66038B713  port:NAME                   the serial number of the USB device; a name as it is
auto, or no word at all                    the only board on USB
28cdc1fffe0a1b2c                           the board with this EUI-64, wherever it is
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

# pyserial knows what ports there are on Linux, macOS and Windows.
from serial.tools import list_ports

from phonehome_tools.cable.errors import CableError, NoBoardError, UsageError

# Ports that no USB bus shows: terminal servers of a rack, searched for an EUI-64 as well.
PORTS_VARIABLE: Final = "PHONEHOME_PORTS"
AUTO: Final = "auto"
_EUI: Final = re.compile(r"[0-9a-f]{16}")
_SHORT_CUTS: Final[Mapping[str, str]] = {"a": "/dev/ttyACM", "u": "/dev/ttyUSB", "c": "COM"}
_SHORT_CUT: Final = re.compile(r"([auc])(\d{1,3})")
_PLUG_IN: Final = "plug the board in with a data cable, or name its port: 'phonehome doctor PORT'"


def list_usb() -> list[Any]:
    """The USB ports of this computer, sorted; each has device, serial_number, vid, pid."""
    found = [port for port in list_ports.comports() if port.vid is not None]
    return sorted(found, key=lambda port: str(port.device))


def is_eui(word: str) -> bool:
    """Whether a word is the EUI-64 of a device, with or without dashes and colons."""
    return _EUI.fullmatch(plain_eui(word)) is not None


def plain_eui(word: str) -> str:
    """An EUI-64 as the wire writes it."""
    return re.sub(r"[-:]", "", word).lower()


def known_ports(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Where boards may be: on USB, and what PHONEHOME_PORTS names."""
    return [*(str(port.device) for port in list_usb()), *environ.get(PORTS_VARIABLE, "").split()]


def resolve(
    words: Sequence[str],
    read_device: Callable[[str], str],
    environ: Mapping[str, str] = os.environ,
) -> list[str]:
    """The ports that these words mean, each once, in their order.

    `read_device` asks a port for the EUI-64 of its board; it is called for words that are one,
    on every known port. NoBoardError and UsageError say which word means nothing.
    """
    found = [_resolve_one(word, environ) for word in words or [AUTO] if not is_eui(word)]
    wanted = [plain_eui(word) for word in words if is_eui(word)]
    if wanted:
        found += _find_devices(wanted, known_ports(environ), read_device)
    return list(dict.fromkeys(found))


def expect_one(ports: Iterable[str]) -> str:
    """The only port; UsageError when there are more."""
    first, *more = ports
    if more:
        raise UsageError("one board at a time", f"name one of {', '.join((first, *more))}")
    return first


def _resolve_one(word: str, environ: Mapping[str, str]) -> str:
    if word == AUTO:
        return _the_only(known_ports(environ))
    if word.startswith("id:"):
        return _by_serial_number(word[len("id:") :])
    if word.startswith("port:"):
        return word[len("port:") :]
    match = _SHORT_CUT.fullmatch(word)
    return _SHORT_CUTS[match[1]] + match[2] if match else word


def _the_only(ports: Sequence[str]) -> str:
    if not ports:
        raise NoBoardError("no board is plugged in", _PLUG_IN)
    if len(ports) > 1:
        raise UsageError(f"{len(ports)} boards are plugged in", f"name it: {', '.join(ports)}")
    return ports[0]


def _by_serial_number(number: str) -> str:
    usb = list_usb()
    for port in usb:
        if port.serial_number == number:
            return str(port.device)
    there = ", ".join(str(port.serial_number) for port in usb) or "none"
    raise NoBoardError(f"no USB device has the serial number {number}", f"there are: {there}")


def _find_devices(
    wanted: Sequence[str], ports: Sequence[str], read_device: Callable[[str], str]
) -> list[str]:
    """The ports of these devices in this order; a port that does not answer is passed over."""
    at: dict[str, str] = {}
    for port in ports:
        if set(wanted) <= set(at):
            break
        try:
            at[read_device(port)] = port
        except CableError:
            continue  # in use, or no board of ours: another port may have it
    lost = [device for device in wanted if device not in at]
    if lost:
        there = ", ".join(f"{device} at {port}" for device, port in at.items()) or "none"
        raise NoBoardError(f"no board says that it is {', '.join(lost)}", f"boards: {there}")
    return [at[device] for device in wanted]
