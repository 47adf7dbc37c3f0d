"""A wire from a receiver to its broker that looks whether each PUBACK is true when it is said."""

import asyncio
import contextlib
import time
from hashlib import sha256

from sqlalchemy import create_engine, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from phonehome_cloud.core.arrivals import HASH_BYTES
from phonehome_cloud.store.schema import message

PUBLISH, PUBACK = 3, 4
QOS, QOS_1 = 0x06, 0x02
AGAIN_S = 0.05
AWAY_S = 60.0  # a database that was killed is back long before


class Archivist:
    """Looks into a store, past every receiver, whether a report is committed."""

    def __init__(self, url: str) -> None:
        driver = "postgresql+psycopg" if url.startswith("postgresql") else "sqlite"
        self._engine = create_engine(make_url(url).set(drivername=driver), pool_pre_ping=True)

    def has(self, device: str, report: bytes) -> bool:
        """Whether it is stored; waits for a database that is away."""
        hash_ = sha256(report).digest()[:HASH_BYTES]
        query = select(message.c.hash).where(message.c.device == device, message.c.hash == hash_)
        last_s = time.monotonic() + AWAY_S
        while True:
            try:
                with self._engine.connect() as connection:
                    return connection.execute(query).first() is not None
            except OperationalError:
                if time.monotonic() > last_s:
                    raise
                time.sleep(AGAIN_S)

    def close(self) -> None:
        """Leave the store."""
        self._engine.dispose()


class Spy:
    """Stands between a receiver and a broker on `port`, at `url`.

    `lies` are the reports that were not stored when the receiver acknowledged them to the broker,
    `told` counts its acknowledgements, `repeated` what the broker delivered more than once;
    `seen` is what it delivered, to this receiver or to those that share its subscription.
    """

    def __init__(
        self, port: int, archivist: Archivist, is_version_5: bool, seen: set[bytes]
    ) -> None:
        self._broker_port = port
        self._archivist = archivist
        self._is_version_5 = is_version_5
        self._writers: list[asyncio.StreamWriter] = []
        self._pumps: set[asyncio.Task[None]] = set()
        self._seen = seen
        self._cuts_next = False
        self.url = ""
        self.lies: list[bytes] = []
        self.told = 0
        self.repeated = 0

    @contextlib.asynccontextmanager
    async def listening(self):
        """Listen on a free port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self.cut()
            for task in self._pumps:
                task.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut_next(self) -> None:
        """End every connection under the next report, which has to be delivered again."""
        self._cuts_next = True

    def cut(self) -> None:
        """End every connection without a word."""
        self._cuts_next = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, up_writer]
        in_hand: dict[int, tuple[str, bytes]] = {}

        async def note(kind: int, flags: int, body: bytes) -> None:
            if kind == PUBLISH and flags & QOS == QOS_1:
                packet_id, topic, payload = published(body, self._is_version_5)
                in_hand[packet_id] = topic.split("/")[1], payload
                self.repeated += payload in self._seen
                self._seen.add(payload)
                if self._cuts_next:
                    self.cut()

        async def judge(kind: int, _flags: int, body: bytes) -> None:
            if kind != PUBACK:
                return
            known = in_hand.pop(int.from_bytes(body[:2], "big"), None)
            if known is not None:
                self.told += 1
                if not await asyncio.to_thread(self._archivist.has, *known):
                    self.lies.append(known[1])

        for pump in (_pump(up_reader, writer, note), _pump(reader, up_writer, judge)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)


async def _pump(reader, writer, look):
    """Pass on what comes, after each whole packet in it was looked at."""
    buffer = bytearray()
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            buffer += data
            while packet := take_packet(buffer):
                await look(*packet)
            writer.write(data)
            await writer.drain()
    writer.close()


def take_packet(buffer: bytearray) -> tuple[int, int, bytes] | None:
    """The first whole packet, taken out of the buffer, as (kind, flags, body); None before."""
    length = 0
    for at in range(1, len(buffer)):
        length |= (buffer[at] & 0x7F) << 7 * (at - 1)
        if buffer[at] < 0x80:
            break
    else:
        return None
    begin, end = at + 1, at + 1 + length
    if len(buffer) < end:
        return None
    packet = buffer[0] >> 4, buffer[0] & 0x0F, bytes(buffer[begin:end])
    del buffer[:end]
    return packet


def published(body: bytes, is_version_5: bool) -> tuple[int, str, bytes]:
    """(packet id, topic, payload) of a PUBLISH with QoS 1."""
    end = 2 + int.from_bytes(body[:2], "big")
    at = end + 2
    if is_version_5:
        at += 1 + body[at]  # fewer properties than 128 bytes
    return int.from_bytes(body[end : end + 2], "big"), body[2:end].decode(), body[at:]
