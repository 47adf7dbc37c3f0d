"""An MQTT broker inside the receiver, for a first evening without any other server.

It keeps sessions and retained messages in memory and serves about a fifth of the rate of a real
broker: production points the configuration at one. Devices are never trusted because of the
broker, every message is signed, so it lets anybody connect; it listens where it is told to,
which is the loopback interface unless the configuration says otherwise.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from amqtt.broker import Broker

_LISTENER = "default"
_SETTINGS = {
    # "external": amqtt speaks MQTT, the socket is ours; so port 0 works and its number is known.
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


class EmbeddedBroker:
    """One MQTT 3.1.1 broker on `host`:`port`; port 0 takes a free one."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._broker: Broker | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Where it listens, as mqtt://host:port; known after `start`."""
        return f"mqtt://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        # amqtt: the only maintained MQTT broker that runs inside an asyncio program. Loaded here:
        # a receiver with a broker of its own has no use for its 3 MiB.
        from amqtt.broker import Broker  # noqa: PLC0415

        self._server = await asyncio.start_server(self._connected, self._host, self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._broker = Broker(_SETTINGS)
        await self._broker.start()

    async def stop(self) -> None:
        """Close every connection and forget every session."""
        if self._server is None or self._broker is None:
            return
        self._server.close()
        for writer in self._connections:
            writer.close()
        await self._broker.shutdown()
        self._server = self._broker = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from amqtt.adapters import (  # noqa: PLC0415 - as above
            StreamReaderAdapter,
            StreamWriterAdapter,
        )

        if self._broker is None:
            writer.close()
            return
        self._connections.add(writer)
        try:
            await self._broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        finally:
            self._connections.discard(writer)
