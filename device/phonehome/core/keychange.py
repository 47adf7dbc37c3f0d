"""From one key to the next without a moment in which nobody understands the device (WIRE.md 5).

    written    NEXT is on flash and was read back; reports are signed with it
    active     the first valid ack under NEXT: it takes the place of ACTIVE on flash
    returned   three refusals under NEXT: the old key signs again, the receiver offers anew

Loaded when a key changes, and dropped when the change is over.
"""

from phonehome_wire.compat import const

from .identity import KEY_FILE_BYTES
from .ondemand import forget

# Folded away on a board; a test holds them to the wire's registry.
_RESULT_BAD_ARGS = const(2)
_RESULT_FAILED = const(3)
_RESULT_OK = const(0)
_ARG_EPOCH = const(0)
_ARG_SALT = const(1)

_SALT_BYTES = const(32)
_LAST_EPOCH = const(255)
_REFUSALS = const(3)
_UNAUTHORIZED = "HTTP 401"

_AGENT = __name__.rpartition(".")[0].rpartition(".")[0]


class KeyChange:
    """`identity` starts to sign with NEXT of `files` and knows the way back to `active`.

    `files` are ports.keyfiles.KeyFiles; `active` is the key file before, b"" when this is the
    first one; `tell(name, state, epoch)` hears "active" and "returned".
    """

    def __init__(self, identity, files, active: bytes, tell) -> None:
        self._identity = identity
        self._files = files
        self._tell = tell
        self._refusals = 0
        identity.change = None
        if active:
            identity.use(active)
        else:
            identity.kid = b""
        self._old = (identity.kid, identity.up_key, identity.down_key)
        identity.use(files.next())
        identity.change = self

    def open(self, message):
        """What a downlink says under either key; an ack under the new one settles the change.

        WireError when it is not the receiver's word to this device.
        """
        from phonehome_wire.envelope import peek
        from phonehome_wire.heard import Ack, open_downlink

        identity = self._identity
        old_kid, _, old_down_key = self._old
        if peek(message)[1] == old_kid:
            return open_downlink(message, old_down_key, old_kid)
        said = open_downlink(message, identity.down_key, identity.kid)
        if isinstance(said, Ack):
            self._settle()
        return said

    def note_failure(self, error) -> None:
        """A report under the new key ended in a LinkError; refused three times, the old one signs.

        Over MQTT nobody says no: there an ack that does not come is a refusal, unless this is the
        first key.
        """
        is_silence = error.phase == "ack" and error.is_malformed and bool(self._old[0])
        if not is_silence and not str(error.detail).startswith(_UNAUTHORIZED):
            return
        self._refusals += 1
        if self._refusals >= _REFUSALS:
            self._return()

    def _settle(self) -> None:
        try:
            self._files.activate()
        except OSError:
            return  # the next ack tries again
        self._end("active")

    def _return(self) -> None:
        """Back to the old key; without one, NEXT stays until enrollment brings another."""
        identity = self._identity
        if self._old[0]:
            try:
                self._files.drop_next()
            except OSError:
                pass  # the next boot is refused three times, too
        identity.kid, identity.up_key, identity.down_key = self._old
        self._end("returned")

    def _end(self, state: str) -> None:
        kid = self._identity.kid
        self._identity.change = None
        forget_keychange()
        self._tell("key", state=state, epoch=kid[-1] if kid else 0)


def load_keys(identity, files, tell) -> bool:
    """Take the keys on flash: ACTIVE, or NEXT of a change that is not over. False: there is none.

    ConfigError when a key file is damaged.
    """
    active, following = files.active(), files.next()
    if following and not _follows(following, active):
        files.drop_next()  # damaged, or somebody put another ACTIVE there since
        following = b""
    if following:
        KeyChange(identity, files, active, tell)
    elif active:
        identity.use(active)
    return bool(following or active)


def rotate(args: dict, identity, files, tell) -> tuple:
    """Carry out command 6 {0: epoch, 1: salt}: (RESULT_*, the epoch in use or None).

    The same command again changes nothing, in whatever state of the change it comes.
    """
    from phonehome_wire.rekeying import rotated_key

    epoch, salt = args.get(_ARG_EPOCH), args.get(_ARG_SALT)
    if not isinstance(epoch, int) or not isinstance(salt, bytes) or len(salt) != _SALT_BYTES:
        return _RESULT_BAD_ARGS, None
    active = files.active()
    if active and epoch == active[0]:
        return _RESULT_OK, epoch
    if not active or epoch != active[0] + 1 or epoch > _LAST_EPOCH:
        return _RESULT_BAD_ARGS, None
    try:
        files.put_next(bytes([epoch]) + rotated_key(active[1:], identity.device, epoch, salt))
    except OSError:
        return _RESULT_FAILED, None
    KeyChange(identity, files, active, tell)
    tell("key", state="written", epoch=epoch)
    return _RESULT_OK, epoch


def _follows(following: bytes, active: bytes) -> bool:
    return len(following) == KEY_FILE_BYTES and (not active or following[0] == active[0] + 1)


def forget_keychange() -> None:
    """Drop this module and what only it needs; a change in progress lives on without the name."""
    forget(__name__, _AGENT + ".ports.keyfiles", "phonehome_wire.rekeying", "phonehome_wire.keys")
