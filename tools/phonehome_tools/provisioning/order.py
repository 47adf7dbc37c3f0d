"""What is provisioned: where devices phone, under which authority, over which Wi-Fi."""

import getpass
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

# The receiver's own library for certificates reads both forms of an authority.
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from phonehome_tools.cable.errors import UsageError
from phonehome_tools.cable.ports import is_eui, plain_eui

WIFI_VARIABLE: Final = "PHONEHOME_WIFI_PASSWORD"
CA_NAME: Final = "phonehome-ca.der"
_PLAIN, _SECURE = {"http", "mqtt"}, {"https", "mqtts"}


@dataclass(frozen=True)
class Order:
    """One for all boards; `wifi` is (SSID, password), `ca` DER, `device` what a board must be."""

    server: str
    api: str
    token: str
    product: str | None = None
    label: str = ""
    ca: bytes | None = None
    wifi: tuple[str, str] | None = None
    device: str | None = None
    may_replace: bool = False

    def settings(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """phonehome.json: what was there, and what is ordered."""
        kept = {name: value for name, value in before.items() if name not in _OURS}
        ours: dict[str, Any] = {"server": self.server}
        ours |= {"ca": CA_NAME} if self.ca else {"insecure": True}
        if self.wifi is not None:
            ours["wifi"] = {"ssid": self.wifi[0], "password": self.wifi[1]}
        elif "wifi" in before:
            ours["wifi"] = before["wifi"]
        if self.device is not None:
            ours["device"] = self.device
        return {**ours, **kept}


_OURS: Final = frozenset({"server", "ca", "insecure", "wifi", "key", "claim", "code", "device"})


def check_server(server: str, api: str | None, ca: bytes | None) -> str:
    """The address of the desk API; UsageError when the addresses do not fit together."""
    scheme = urlsplit(server).scheme
    if scheme not in _PLAIN | _SECURE:
        raise UsageError(f"--server {server}: want https://, mqtts://, http:// or mqtt://")
    if scheme in _SECURE and ca is None:
        raise UsageError(
            f"--server {server}: nothing would verify it", "give --ca FILE, the authority's"
        )
    if api is not None:
        return api
    if scheme in {"http", "https"}:
        return server
    raise UsageError(f"--server {server} has no API beside it", "give --api URL")


def read_ca(path: Path | None) -> bytes | None:
    """An authority as boards read it, DER, from PEM or DER; UsageError when it is neither."""
    if path is None:
        return None
    try:
        data = path.read_bytes()
        pem = data.lstrip().startswith(b"-----BEGIN")
        found = (
            x509.load_pem_x509_certificate(data) if pem else x509.load_der_x509_certificate(data)
        )
    except OSError as error:
        raise UsageError(f"--ca {path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--ca {path}: no certificate, neither PEM nor DER") from error
    return found.public_bytes(Encoding.DER)


def read_wifi(ssid: str | None, path: Path | None) -> tuple[str, str] | None:
    """A Wi-Fi with its password, of a file, $PHONEHOME_WIFI_PASSWORD, or a prompt."""
    if ssid is None:
        return None
    if path is not None:
        try:
            return ssid, path.read_text().rstrip("\r\n")
        except OSError as error:
            raise UsageError(f"--wifi-password-file {path}: {error.strerror}") from error
    if WIFI_VARIABLE in os.environ:
        return ssid, os.environ[WIFI_VARIABLE]
    if not sys.stdin.isatty():
        raise UsageError(
            f"no password for the Wi-Fi {ssid}",
            f"set {WIFI_VARIABLE} or give --wifi-password-file",
        )
    return ssid, getpass.getpass(f"Password of {ssid}: ")


def read_device(word: str | None) -> str | None:
    """An EUI-64 as the wire writes it; UsageError when it is none."""
    if word is None:
        return None
    if not is_eui(word):
        raise UsageError(f"--device {word}: want an EUI-64, 16 hex digits")
    return plain_eui(word)
