"""A Mosquitto as `phonehome broker config` sets it up: TLS, a user for each device, an ACL."""

import contextlib
import csv
import ssl
import tomllib

from phonehome_tools import cli
from phonehome_tools.fleet.postgresql import free_port
from tests.cloud.brokers import Mosquitto
from tests.fakes.authority import FakeAuthority

HOST = "127.0.0.1"


class GuardedMosquitto(Mosquitto):
    """One broker for `devices`; with `has_certificates` these prove themselves by one."""

    def __init__(self, folder, devices, has_certificates=False):
        self.folder = folder / "broker"
        self.folder.mkdir()
        self.authority = FakeAuthority(self.folder)
        self._config = self.folder / "config" / "mosquitto.conf"
        self._has_certificates = has_certificates
        self._server_files = self.authority.files(HOST)
        self.port, self._receivers_port = free_port(), free_port()
        self.url = f"mqtts://{HOST}:{self.port}"
        self._process = None
        self.configure(devices)

    def configure(self, devices):
        """Make the files, again perhaps, for these devices."""
        listed = self.folder / "devices"
        listed.write_text("\n".join(devices))
        certificate, key = map(str, self._server_files)
        words = ["broker", "config", "-o", str(self._config.parent), "--devices", str(listed)]
        words += ["--listen", f"{HOST}:{self.port}", "--certificate", certificate, "--key", key]
        words += ["--receivers", f"{HOST}:{self._receivers_port}", "--state", str(self.folder)]
        if self._has_certificates:
            words += ["--client-ca", str(self.authority.ca_pem)]
        assert cli.main(words) == 0
        with self._config.open("a") as file:
            file.write("user root\n")  # the folders of a test are its user's

    @property
    def passwords(self):
        """What was drawn for each device."""
        drawn = self._config.parent / "credentials.csv"
        if not drawn.exists():
            return {}
        with drawn.open() as file:
            return {row["device"]: row["password"] for row in csv.DictReader(file)}

    @property
    def receiver_settings(self):
        """What was written for receivers, as variables of the environment."""
        written = tomllib.loads((self._config.parent / "receiver.toml").read_text())
        return {f"MQTT_{key.upper()}": value for key, value in written["mqtt"].items()}

    def tls(self, device=None):
        """What a device checks the broker by, and shows of itself."""
        context = ssl.create_default_context(cafile=str(self.authority.ca_pem))
        if device is not None:
            context.load_cert_chain(*self.authority.files(device))
        return context


@contextlib.asynccontextmanager
async def guarded(folder, devices, **more):
    """A running broker of this kind."""
    broker = GuardedMosquitto(folder, devices, **more)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
