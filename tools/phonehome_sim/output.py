"""The virtual board's console: one JSON object a line, read by whoever started it."""

import json
import sys


class Output:
    """Writes events with the board's uptime; facts that JSON cannot say are said as text."""

    def __init__(self, uptime, stream=None):
        self._uptime = uptime
        self._stream = stream or sys.stdout

    def write(self, event, **facts):
        """One line at once: the reader measures delays by it."""
        facts["at_ms"] = self._uptime.now_ms()
        facts["event"] = event
        self._stream.write(json.dumps(plain(facts)) + "\n")


def plain(value):
    """A value as JSON can say it: bytes in hex, unknown objects by their text."""
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "".join("%02x" % byte for byte in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
