"""mosquitto.conf and the access list (WIRE.md 4.7): a device speaks and hears for itself only."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path

RECEIVER = "phonehome-receiver"  # the name under which receivers connect; no device is called so

# A device may write what it says about itself and read what is said to it, and that is all: what
# it publishes elsewhere is dropped, what it subscribes to elsewhere stays silent.
ACCESS = f"""\
pattern write ph1/%u/up
pattern write ph1/%u/st
pattern read ph1/%u/dn

user {RECEIVER}
topic read ph1/+/up
topic read ph1/+/st
topic write ph1/+/dn
"""

# A message of at most 4096 bytes (WIRE.md 3.5) with its topic; whoever sends more is put out.
_MAX_PACKET = 4096 + 64
# What may be under way to a receiver: a commit takes up to 500 messages, and 20 are the default.
_MAX_INFLIGHT = 500
# For a receiver that is away, or that waits for its database: 10^5 reports are some 50 MB.
_MAX_QUEUED = 100_000
# A receiver that does not come back leaves its session; the devices repeat what was in it.
_EXPIRATION = "7d"


@dataclass(frozen=True)
class Listener:
    """Where clients of one kind connect, and what proves who each side is.

    `certificate` and `key` are the broker's own (PEM); `client_ca` signs the certificates of
    clients, whose common name is then who they are, instead of a password.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can reach it."""
        return self.host == "localhost" or _is_loopback(self.host)

    def lines(self) -> list[str]:
        """It as mosquitto.conf says it."""
        found = [f"listener {self.port} {self.host}"]
        if self.certificate is not None and self.key is not None:
            found += [f"certfile {self.certificate}", f"keyfile {self.key}", "tls_version tlsv1.2"]
        if self.client_ca is not None:
            found += [
                f"cafile {self.client_ca}",
                "require_certificate true",
                "use_identity_as_username true",
            ]
        return found


def write_settings(folder: Path, state: Path, devices: Listener, receivers: Listener) -> str:
    """The text of mosquitto.conf; `state` is where the broker keeps its sessions."""
    lines = [
        "# Made by `phonehome broker config`, which makes it anew: settings of your own belong",
        "# into another file of conf.d.",
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'access'}",
        "persistence true",
        f"persistence_location {state}/",
        f"persistent_client_expiration {_EXPIRATION}",
        f"max_packet_size {_MAX_PACKET}",
        f"max_inflight_messages {_MAX_INFLIGHT}",
        f"max_queued_messages {_MAX_QUEUED}",
        "set_tcp_nodelay true",
        "",
        "# Devices. Their client id is their name, whatever they say: none can take over the",
        "# session of another, nor of a receiver.",
        *devices.lines(),
        "use_username_as_clientid true",
        "",
        "# Receivers.",
        *receivers.lines(),
    ]
    return "\n".join(lines) + "\n"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
