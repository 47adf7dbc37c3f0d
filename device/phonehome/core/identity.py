"""What a device signs with: its id, the epoch of its key, and one key for each direction."""

from phonehome_wire.compat import const

from .errors import ConfigError

TYPE_CHECKING = const(0)
if TYPE_CHECKING:
    from .keychange import KeyChange

KEY_FILE_BYTES = const(33)  # epoch, then the key


class Identity:
    """Keys of `device` (8 bytes) from the bytes of its key file; ConfigError if they are none.

    With b"" there is no key yet: `kid` is b"", which no message has, and records wait. While a new
    key is used but not proven, `change` is the core.keychange.KeyChange that knows the way back.
    """

    def __init__(self, device: bytes, key_file: bytes) -> None:
        self.device = device
        self.kid = b""
        self.up_key = self.down_key = b""
        self.change: KeyChange | None = None
        if key_file:
            self.use(key_file)

    def use(self, key_file: bytes) -> None:
        """Sign with the key in these bytes of a key file from now on."""
        if len(key_file) != KEY_FILE_BYTES or key_file[0] == 0:
            raise ConfigError(
                "config 'key': a key file is %d bytes, epoch 1..255 and the key; this one has %d. "
                "Provision the device first" % (KEY_FILE_BYTES, len(key_file))
            )
        from phonehome_wire.envelope import make_kid  # the caller forgets it
        from phonehome_wire.keys import down_key, up_key

        self.kid = make_kid(self.device, key_file[0])
        self.up_key = up_key(key_file[1:], self.device)
        self.down_key = down_key(key_file[1:], self.device)
