"""Who a receiver is to its broker: its session, its share of the messages, its certificates."""

import ssl
from dataclasses import dataclass
from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from phonehome_cloud.errors import ConfigError

MAX_PENDING = 1000  # messages in work; only QoS 0 can reach it, QoS 1 stops at the broker
# A broker goes on giving a receiver that is away its share, for when it comes back. One that is
# not back after this time has left: what it had comes again from the devices.
_SHARE_EXPIRY_S = 300


@dataclass(frozen=True, slots=True)
class Membership:
    """Who we are to the broker: its session outlives us under `client_id`.

    With a `share`, receivers of that name have the messages together (MQTT 5), each under a client
    id of its own; "" alone has them all (MQTT 3.1.1). `tls` is for mqtts; None checks the broker
    as this system checks certificates.
    """

    client_id: str
    share: str = ""
    tls: ssl.SSLContext | None = None


def make_tls(ca: str, certificate: str, key: str) -> ssl.SSLContext | None:
    """How mqtts checks the broker, and what it shows of us; paths of PEM files, or "".

    None without any: the certificates of a system take 0.8 MiB, and most brokers are mqtt.
    Raises ConfigError for files that cannot be read or do not fit.
    """
    if not (ca or certificate):
        return None
    try:
        context = ssl.create_default_context(cafile=ca or None)
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except OSError as error:
        where = "mqtt.certificate and mqtt.key" if certificate else "mqtt.ca"
        raise ConfigError([f"{where}: {error}; name PEM files that belong together"]) from None
    return context


def session_for_a_share() -> dict[str, Any]:
    """A session that stays for a restart; the rest of what MQTT 3.1.1 promised by itself."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = _SHARE_EXPIRY_S
    properties.ReceiveMaximum = MAX_PENDING
    return {"clean_start": False, "properties": properties}
