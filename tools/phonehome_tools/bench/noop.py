"""The measure for the MQTT consumer: a paho subscriber that acknowledges each message, no more.

Run as a file with HOST and PORT; prints a line when it is subscribed, and
one with the monotonic time of the last message whenever as many as it was told on its standard
input have come.
"""

import sys
import time
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

# paho: what the receiver uses.
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def answer_at_once(_client: Client, _data: Any, sock: Any) -> None:
    """As the receiver does."""
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)


class Counter:
    """Counts messages, and says when the wanted number has come."""

    def __init__(self) -> None:
        self._left = 0

    def run(self, host: str, port: int) -> None:
        """Subscribe, then count what is asked for, line by line."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="noop", manual_ack=True)
        client.on_socket_open = answer_at_once
        client.on_connect = lambda client, *_: client.subscribe("none/+/up", 1)
        client.on_subscribe = lambda *_: print("subscribed", flush=True)
        client.on_message = self._take
        client.connect(host, port)
        client.loop_start()
        for line in sys.stdin:
            self._left += int(line)

    def _take(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        client.ack(message.mid, message.qos)
        self._left -= 1
        if not self._left:
            print(time.monotonic(), flush=True)


if __name__ == "__main__":
    Counter().run(sys.argv[1], int(sys.argv[2]))
