"""The station interface of a board: joined, and joined again."""

import asyncio

import network

from phonehome_wire.compat import const

_JOIN_S = const(20)
_POLL_S = const(1)


class WiFi:
    """Joins one network; `reconnects` counts how often that was needed after the first time."""

    def __init__(self, ssid: str, password: str = "") -> None:
        self._ssid = ssid
        self._password = password
        self._station = network.WLAN(network.STA_IF)
        self.reconnects = -1

    @property
    def is_joined(self) -> bool:
        """True while there is an address; without one a name lookup can hang for ever."""
        return self._station.isconnected()

    async def join(self) -> bool:
        """Join unless joined; False when that took too long."""
        if self.is_joined:
            return True
        self._station.active(True)
        self._station.connect(self._ssid, self._password)
        for _ in range(_JOIN_S):
            if self.is_joined:
                self.reconnects += 1
                return True
            await asyncio.sleep(_POLL_S)
        self._station.disconnect()
        return False

    def leave(self) -> None:
        """Switch the radio off: it says that it is joined and lets nothing through."""
        self._station.disconnect()
        self._station.active(False)

    def rssi_dbm(self) -> int:
        """Signal strength."""
        return self._station.status("rssi")
