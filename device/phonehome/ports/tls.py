"""TLS that verifies: only a private CA is trusted, and the name must be in the certificate."""

import ssl

from phonehome.core.errors import ConfigError


def make_context(ca_der):
    """A client context that trusts this CA only (DER: firmware does not read PEM).

    None gives one that verifies nothing; the caller has seen the setting named insecure.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_der is None:
        context.verify_mode = ssl.CERT_NONE
        return context
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(cadata=ca_der)
    except (ValueError, OSError) as error:
        raise ConfigError(
            "config 'ca': not a certificate (%s); convert it with: openssl x509 -outform der"
            % error
        )
    return context
