"""`phonehome broker config`: a Mosquitto that knows every device, made of the receiver's list."""

import argparse
import asyncio
import grp
import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from phonehome_tools.fleet.desk import Desk, read_token
from phonehome_tools.fleet.errors import DeskError, FleetError, SetupError
from phonehome_tools.mosquitto.passwords import read_hashes, renew
from phonehome_tools.mosquitto.settings import ACCESS, RECEIVER, Listener, write_settings

GOOD, FAILED, USAGE = 0, 1, 2
_DEVICE = re.compile(r"[0-9a-f]{16}", re.ASCII)
_GROUP = "mosquitto"
_SECRET, _FOR_THE_BROKER, _OPEN = 0o600, 0o640, 0o644


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the one step, config, and where everything is."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    text = "Write the files of a Mosquitto with a user for each device."
    step = steps.add_parser("config", help=text, description=text)
    step.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    source = step.add_mutually_exclusive_group(required=True)
    source.add_argument("--server", metavar="URL", help="the receiver that knows the devices")
    source.add_argument("--devices", type=Path, metavar="FILE", help="or their ids, one a line")
    step.add_argument("--token-file", type=Path, metavar="FILE", help="the API token")
    step.add_argument("--listen", default="0.0.0.0:8883", metavar="HOST:PORT", help="for devices")
    step.add_argument("--receivers", default="127.0.0.1:1883", metavar="HOST:PORT")
    step.add_argument("--certificate", type=Path, metavar="PEM", help="the broker's chain")
    step.add_argument("--key", type=Path, metavar="PEM", help="its private key")
    step.add_argument("--client-ca", type=Path, metavar="PEM", help="devices prove themselves")
    step.add_argument("--plain", action="store_true", help="without TLS: on a bench")
    step.add_argument("--state", type=Path, default=Path("/var/lib/mosquitto"), metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Write the files: 0 good, 1 the receiver or a file failed, 2 options do not fit."""
    try:
        devices, receivers = _listeners(args)
        names = _load_devices(args)
        drawn = _write(args.output.absolute(), args.state.absolute(), names, devices, receivers)
    except SetupError as error:
        print(f"phonehome broker: {error}", file=sys.stderr)
        return USAGE
    except (FleetError, OSError) as error:
        print(f"phonehome broker: {error}", file=sys.stderr)
        return FAILED
    print(f"{args.output}: {len(names)} devices, {drawn} passwords drawn")
    return GOOD


def _listeners(args: argparse.Namespace) -> tuple[Listener, Listener]:
    has_tls = args.certificate is not None and args.key is not None
    if has_tls == args.plain:
        raise SetupError("give --certificate and --key, or --plain on a bench")
    certificate, key = _readable(args.certificate), _readable(args.key)
    host, port = _address(args.listen, "--listen")
    devices = Listener(host, port, certificate, key, _readable(args.client_ca))
    receivers = Listener(*_address(args.receivers, "--receivers"))
    if not receivers.is_local:
        receivers = replace(receivers, certificate=certificate, key=key)
    return devices, receivers


def _readable(path: Path | None) -> Path | None:
    if path is None:
        return None
    try:
        path.open("rb").close()
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    return path.absolute()


def _address(text: str, option: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
        raise SetupError(f"{option} {text!r}: want HOST:PORT")
    return host.strip("[]"), int(port)


def _load_devices(args: argparse.Namespace) -> list[str]:
    """The devices that may speak, from the receiver or from a file."""
    if args.devices is not None:
        return _read_devices(args.devices)
    found = asyncio.run(_ask(args.server, read_token(args.token_file)))
    strange = next((row["device"] for row in found if not _DEVICE.fullmatch(row["device"])), None)
    if strange is not None:
        raise DeskError(f"{args.server} names a device {strange!r}: that is no receiver")
    return [row["device"] for row in found if row["revoked_at"] is None]


async def _ask(server: str, token: str) -> list[dict[str, Any]]:
    async with Desk(server, token) as desk:
        return [row async for row in desk.devices()]


def _read_devices(file: Path) -> list[str]:
    names = file.read_text("utf-8").split()
    wrong = next((name for name in names if not _DEVICE.fullmatch(name)), None)
    if wrong is not None:
        raise SetupError(f"{file}: {wrong!r} is no device: want 16 hex digits, one a line")
    return names


def _write(
    folder: Path, state: Path, names: Collection[str], devices: Listener, receivers: Listener
) -> int:
    """Write everything; returns how many passwords are new. What is secret is written first: a
    password that the broker knows and nobody else would be lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    has_passwords = devices.client_ca is None
    users = {RECEIVER, *(names if has_passwords else ())}
    hashes, drawn = renew(read_hashes(folder / "passwords"), users)
    _append_credentials(folder / "credentials.csv", drawn)
    if RECEIVER in drawn:
        _write_whole(folder / "receiver.toml", _receiver(receivers, drawn[RECEIVER]), _SECRET)
    passwords = "".join(f"{name}:{hashed}\n" for name, hashed in hashes.items())
    group = _broker_group()
    _write_whole(folder / "passwords", passwords, _FOR_THE_BROKER, group)
    _write_whole(folder / "access", ACCESS, _FOR_THE_BROKER, group)
    _write_whole(
        folder / "mosquitto.conf", write_settings(folder, state, devices, receivers), _OPEN
    )
    return len(drawn)


def _append_credentials(path: Path, drawn: Mapping[str, str]) -> None:
    """Passwords on their way to boards: `user` and `password` of a board's config.json."""
    rows = "".join(f"{name},{drawn[name]}\n" for name in sorted(drawn.keys() - {RECEIVER}))
    before = path.read_text("utf-8") if path.exists() else "device,password\n"
    if rows:
        _write_whole(path, before + rows, _SECRET)


def _receiver(listener: Listener, password: str) -> str:
    """The settings of a receiver that reads from this broker, together with others."""
    scheme = "mqtt" if listener.certificate is None else "mqtts"
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return (
        "[mqtt]\n"
        f'url = "{scheme}://{RECEIVER}:{quote(password, safe="")}@{host}:{listener.port}"\n'
        'share = "receivers"\n'
    )


def _broker_group() -> int:
    """The group that a Mosquitto of the distribution runs in; -1 where we cannot give to it."""
    if os.geteuid() != 0:
        return -1
    return next((g.gr_gid for g in grp.getgrall() if g.gr_name == _GROUP), -1)


def _write_whole(path: Path, text: str, mode: int, group: int = -1) -> None:
    """Write beside and rename: a broker that reloads never reads half of it, nor does anybody
    read a secret before its mode is set.
    """
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        os.fchown(file.fileno(), -1, group)
    beside.replace(path)
