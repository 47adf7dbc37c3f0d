"""The claim of a board that has no key yet: what a batch has in common until each has its own."""

from phonehome_wire.compat import const
from phonehome_wire.envelope import make_kid
from phonehome_wire.keys import down_key, up_key

from .errors import ConfigError

_ID_BYTES = const(8)
_CLAIM_FILE_BYTES = const(40)  # claim id, then the secret


def read_claim(claim_file: bytes) -> tuple:
    """(kid, up key, down key, secret) from the bytes of a claim file; ConfigError."""
    if len(claim_file) != _CLAIM_FILE_BYTES:
        raise ConfigError(
            "config 'claim': a claim file is %d bytes, the id and its secret; this one has %d. "
            "Write what the desk told when the claim was made"
            % (_CLAIM_FILE_BYTES, len(claim_file))
        )
    name, secret = claim_file[:_ID_BYTES], claim_file[_ID_BYTES:]
    return make_kid(name, 0), up_key(secret, name), down_key(secret, name), secret
