"""A private certificate authority for tests of TLS: ECDSA P-256, leaf directly below the CA."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class FakeAuthority:
    """Issues certificates; `ca_der` is the file for a device, `files(...)` those for a server."""

    def __init__(self, folder: Path, name: str = "phonehome test CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._stem = name.replace(" ", "-")
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_der = folder / f"{self._stem}.der"
        self.ca_der.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
        self.ca_pem = folder / f"{self._stem}.pem"
        self.ca_pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def files(self, host: str, days: int = 30, lasts: int = 60) -> tuple[Path, Path]:
        """Certificate and key for a host name or address; negative days make it expired.

        It ends `days` from now and lasts so many: less than `days`, and it begins in the future.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        try:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        except ValueError:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = (
            self._builder(subject, key, days, lasts)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        stem = f"{self._stem}-{host}-{days}-{lasts}"
        chain, private = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return chain, private

    def server_context(self, host: str, days: int = 30, lasts: int = 60) -> ssl.SSLContext:
        """A context for a server that presents such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.files(host, days, lasts))
        return context

    def _builder(self, subject, key, days: int = 30, lasts: int = 60) -> x509.CertificateBuilder:
        end = dt.datetime.now(dt.UTC) + days * DAY
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - lasts * DAY)
            .not_valid_after(end)
        )
