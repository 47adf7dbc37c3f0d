"""The key slots of a device: ACTIVE in the file of the setting, NEXT and the nonce beside it.

    phonehome.key         ACTIVE: epoch, then 32 bytes of key
    phonehome.key.next    NEXT: the same of a key that the receiver has not acknowledged yet
    phonehome.key.nonce   what this board drew for its enrollment

Each file is whole or not there, so that any power cut leaves a device with a key that it knows
how to go on with. Loaded when a key changes.
"""

from phonehome_wire.compat import const

from .files import Folder

_NEXT = ".next"
_NONCE = ".nonce"
_NONCE_BYTES = const(16)


class KeyFiles:
    """The files of this name in a folder; methods raise OSError as the file system does."""

    def __init__(self, folder, name: str) -> None:
        self._folder = folder
        self._name = name

    def active(self) -> bytes:
        """The key file in use, b"" when there is none."""
        return self._folder.read(self._name)

    def next(self) -> bytes:
        """The key file that is to be proven, b"" when there is none."""
        return self._folder.read(self._name + _NEXT)

    def put_next(self, key_file: bytes) -> None:
        """Write NEXT and read it back; afterwards it is on flash, or OSError says that it is not.

        What is there already is not written again.
        """
        if self.next() == key_file:
            return
        self._folder.replace(self._name + _NEXT, key_file)
        if self.next() != key_file:
            raise OSError("the next key reads back wrong")

    def activate(self) -> None:
        """NEXT takes the place of ACTIVE; the nonce that it was got with is of no use any more.

        Cut in the middle, both are the same key, and the next boot drops NEXT.
        """
        self._folder.replace(self._name, self.next())
        self._folder.remove(self._name + _NONCE)
        self._folder.remove(self._name + _NEXT)

    def drop_next(self) -> None:
        """Forget NEXT."""
        self._folder.remove(self._name + _NEXT)

    def nonce(self, random_bytes) -> bytes:
        """What names this enrollment: drawn and kept once, the same until a key is active."""
        nonce = self._folder.read(self._name + _NONCE)
        if len(nonce) != _NONCE_BYTES:
            nonce = random_bytes(_NONCE_BYTES)
            self._folder.replace(self._name + _NONCE, nonce)
        return nonce


def open_keys(path: str) -> KeyFiles:
    """The key files of the `key` setting."""
    room, separator, name = path.rpartition("/")
    return KeyFiles(Folder(room if separator else "."), name)
