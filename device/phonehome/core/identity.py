"""What a device signs with: its id, the epoch of its key, and one key for each direction."""

from phonehome_wire.compat import const

from .errors import ConfigError

KEY_FILE_BYTES = const(33)  # epoch, then the key


class Identity:
    """Keys of `device` (8 bytes) from the bytes of its key file; ConfigError if they are none."""

    def __init__(self, device: bytes, key_file: bytes) -> None:
        if len(key_file) != KEY_FILE_BYTES or key_file[0] == 0:
            raise ConfigError(
                "config 'key': a key file is %d bytes, epoch 1..255 and the key; this one has %d. "
                "Provision the device first" % (KEY_FILE_BYTES, len(key_file))
            )
        from phonehome_wire.envelope import make_kid  # the caller forgets it
        from phonehome_wire.keys import down_key, up_key

        self.device = device
        self.kid = make_kid(device, key_file[0])
        self.up_key = up_key(key_file[1:], device)
        self.down_key = down_key(key_file[1:], device)
