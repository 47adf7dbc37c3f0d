"""Secrets at rest: sealed with AES-256-GCM under a master key, each bound to what it is."""

import os
from typing import Final

# cryptography: the maintained binding to a reviewed AES-GCM; the standard library has none.
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from phonehome_cloud.errors import StoreRefusedError

from .masters import Keyring, master_id

_NONCE_BYTES: Final = 12
UNNAMED: Final = ""  # the master key of rows that were sealed before rows named theirs
_FIX = "set PHONEHOME_MASTER_KEY or keys.file to the one this database was made with"


class Sealer:
    """Seals under one master key; `master` is its id, for the column beside what is sealed."""

    def __init__(self, master: bytes) -> None:
        self.master = master_id(master)
        self._cipher = AESGCM(master)

    def seal(self, what: str, secret: bytes) -> bytes:
        """The secret as it is stored: only this master key and the same name open it."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, what.encode())

    def maybe_open(self, what: str, sealed: bytes) -> bytes | None:
        """The secret again; None when it was sealed under another key or another name."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, what.encode())
        except InvalidTag:
            return None


class Vault:
    """Seals under the first master key of a ring, opens what any of them sealed."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._masters: tuple[bytes, ...] = ()
        self._sealers: dict[str, Sealer] = {}
        self._refresh()

    @property
    def masters(self) -> tuple[str, ...]:
        """The ids of the ring, that of the key that seals first."""
        self._refresh()
        return tuple(self._sealers)

    def sealer(self) -> Sealer:
        """What to seal a row with."""
        self._refresh()
        return next(iter(self._sealers.values()))

    def open(self, what: str, sealed: bytes, master: str) -> bytes:
        """What was sealed as `what` under the master key of this id.

        StoreRefusedError when that key is not given, or the bytes belong elsewhere.
        """
        if master not in self._sealers:
            self._refresh()
        if master and master not in self._sealers:
            raise StoreRefusedError(f"the {what} is sealed under master key {master}; {_FIX}")
        tried = [self._sealers[master]] if master else list(self._sealers.values())
        for sealer in tried:
            secret = sealer.maybe_open(what, sealed)
            if secret is not None:
                return secret
        raise StoreRefusedError(f"the master key does not open the {what}; {_FIX}")

    def _refresh(self) -> None:
        masters = self._ring.masters
        if masters != self._masters:
            made = [Sealer(master) for master in masters]
            self._masters, self._sealers = masters, {sealer.master: sealer for sealer in made}
