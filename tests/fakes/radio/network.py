"""A Wi-Fi station for unix MicroPython: what is in the air stands in the file $RADIO.

`up` lets it join, `up NAME` only that network, anything else does not. It prints an event when it
is switched.
"""

import json
import os

STA_IF = 0
_path = os.getenv("RADIO")


class WLAN:
    def __init__(self, _interface):
        self._is_active = self._wants = False
        self._ssid = ""

    def active(self, is_active):
        """Switch it."""
        self._is_active = is_active
        print(json.dumps({"event": "radio", "is_active": is_active}))

    def connect(self, ssid, _password):
        """Want to join."""
        self._ssid = ssid
        self._wants = self._is_active

    def disconnect(self):
        """Leave."""
        self._wants = False

    def isconnected(self):
        """Whether it wants to and can."""
        with open(_path) as file:
            return self._wants and file.read() in ("up", "up " + self._ssid)

    def status(self, _what):
        """The signal strength."""
        return -60
