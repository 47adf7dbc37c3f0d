"""Boots as the receiver sees them: which traffic is late, and which bounds on time it brings."""

from dataclasses import dataclass, field
from typing import NamedTuple

from phonehome_wire.registry import (
    HELLO_CONFIG_VERSION,
    METRIC_CONFIG_VERSION,
    RTYPE_HEARTBEAT,
    RTYPE_HELLO,
)
from phonehome_wire.uplink import Uplink, UplinkHead
from phonehome_wire.usual import UsualRecord

from .anchoring import BOUNDS_KEPT, CARRIED, LOWER, UPPER

_HOUR_MS = 3_600_000
_BURST_MS = 10_000


@dataclass(slots=True)
class Session:
    """One row of `session`, as far as intake keeps it."""

    device: str
    inc: str
    boot: int
    inc_seen_at: int
    first_seen_at: int
    last_seen_at: int
    last_now_ms: int
    build: str
    manifest: str | None = None
    next_seq: int | None = None
    dropped: int | None = None
    state: int | None = None
    conn: int | None = None
    upper_count: int = 0
    lower_count: int = 0
    last_server_ms: int | None = None
    newest: bool = True
    # The version of the pushed configuration, by the newest hello or heartbeat that says it.
    config_version: int | None = None


class Anchor(NamedTuple):
    """One bound to be kept, in its slot of the ring."""

    device: str
    inc: str
    boot: int
    kind: int
    slot: int
    device_ms: int
    utc_ms: int


@dataclass(slots=True)
class Journal:
    """The newest session of each incarnation of some devices, and what a batch changes in them.

    Made from the stored rows; `take` is called for each message in the order of arrival.
    """

    newest: dict[tuple[str, str], Session]
    created: list[Session] = field(default_factory=list)
    changed: dict[tuple[str, str, int], Session] = field(default_factory=dict)
    anchors: list[Anchor] = field(default_factory=list)
    state_lost: list[Session] = field(default_factory=list)
    reconfigured: list[tuple[str, int]] = field(default_factory=list)
    _devices: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Know which devices have spoken before."""
        self._devices = {device for device, _ in self.newest}

    def take(
        self,
        device: str,
        inc: str,
        head: UplinkHead,
        received_at: int,
        *,
        is_replay: bool,
        config_version: int | None = None,
    ) -> bool:
        """Note one authentic message; True when it is late traffic, which moves nothing.

        What a courier carried is late: it does not show when the device was there, nor which of
        its boots and incarnations is the newest by now.
        `config_version` is what it says of the configuration, see `reported_version`.
        """
        if head.is_carried:
            self._note_carried(device, inc, head, received_at)
            return True
        current = self.newest.get((device, inc))
        if current is None or head.boot > current.boot:
            current = self._begin(device, inc, head, received_at, current)
        elif is_replay or head.boot < current.boot or head.now_ms < current.last_now_ms:
            self._note_state(current, head)
            return True
        self._advance(current, head, received_at)
        self._note_config(current, config_version)
        return False

    def _begin(
        self,
        device: str,
        inc: str,
        head: UplinkHead,
        received_at: int,
        before: Session | None,
    ) -> Session:
        session = Session(
            device,
            inc,
            head.boot,
            inc_seen_at=before.inc_seen_at if before else received_at,
            first_seen_at=received_at,
            last_seen_at=received_at,
            last_now_ms=head.now_ms,
            build=head.build.hex(),
        )
        if before is not None:
            before.newest = False
            self._note_change(before)
        elif device in self._devices:
            self.state_lost.append(session)
        self._devices.add(device)
        self.newest[device, inc] = session
        self.created.append(session)
        return session

    def _advance(self, session: Session, head: UplinkHead, received_at: int) -> None:
        bounds_more = _bounds_more(session, head, received_at)
        session.last_seen_at = max(session.last_seen_at, received_at)
        session.last_now_ms = head.now_ms
        session.build = head.build.hex()
        session.manifest = head.manifest.hex() if head.manifest else session.manifest
        session.next_seq = head.next_seq if head.next_seq is not None else session.next_seq
        session.dropped = head.dropped if head.dropped is not None else session.dropped
        self._note_state(session, head)
        if bounds_more:
            self._keep(session, UPPER, session.upper_count, head.now_ms, received_at)
            session.upper_count += 1
        self._note_echo(session, head, received_at)
        self._note_change(session)

    def _note_state(self, session: Session, head: UplinkHead) -> None:
        """Online or offline, in the order of connections: a last will is signed long before."""
        if head.state is None or head.boot != session.boot:
            return
        conn = head.conn or 0
        known = session.conn if session.conn is not None else -1
        if conn > known or (conn == known and head.state < (session.state or 0)):
            session.state, session.conn = head.state, conn
            self._note_change(session)

    def _note_config(self, session: Session, version: int | None) -> None:
        if version is not None and version != session.config_version:
            session.config_version = version
            self.reconfigured.append((session.device, version))

    def _note_echo(self, session: Session, head: UplinkHead, received_at: int) -> None:
        server_ms, at_ms = head.server_ms, head.server_at_ms
        if server_ms is None or at_ms is None or server_ms == session.last_server_ms:
            return
        if server_ms > received_at or at_ms > head.now_ms:
            return  # an echo from the future bounds nothing
        self._keep(session, LOWER, session.lower_count, at_ms, server_ms)
        session.lower_count += 1
        session.last_server_ms = server_ms

    def _note_carried(self, device: str, inc: str, head: UplinkHead, received_at: int) -> None:
        """One bound for each hour in which couriers came: the tightest is among them."""
        slot = received_at // _HOUR_MS % BOUNDS_KEPT
        anchor = Anchor(device, inc, head.boot, CARRIED, slot, head.now_ms, received_at)
        self.anchors.append(anchor)

    def _keep(self, of: Session, kind: int, count: int, device_ms: int, utc_ms: int) -> None:
        slot = count % BOUNDS_KEPT
        self.anchors.append(Anchor(of.device, of.inc, of.boot, kind, slot, device_ms, utc_ms))

    def _note_change(self, session: Session) -> None:
        self.changed[session.device, session.inc, session.boot] = session


def _bounds_more(session: Session, head: UplinkHead, received_at: int) -> bool:
    """Whether an upper bound says more than that of the message before: it is tighter, or the
    first in its ten seconds. Those of a burst are alike; they would push others out of the ring.
    """
    before_at, before_ms = session.last_seen_at, session.last_now_ms
    is_tighter = received_at - head.now_ms < before_at - before_ms
    is_first = received_at // _BURST_MS != before_at // _BURST_MS or not session.upper_count
    return is_tighter or is_first


def reported_version(uplink: Uplink) -> int | None:
    """The configuration that the newest record of this boot says the device runs under, or None.

    A hello without one means 0, the file on the device alone; most heartbeats say nothing of it.
    """
    newest, version = -1, None
    for record in uplink.records:
        if isinstance(record, UsualRecord):
            continue  # says nothing of it, and is better not decoded to see that
        if record.seq <= newest or record.boot != uplink.boot or record.defect is not None:
            continue
        if record.rtype == RTYPE_HEARTBEAT:
            said = record.body.get(METRIC_CONFIG_VERSION)
        elif record.rtype == RTYPE_HELLO:
            said = record.body.get(HELLO_CONFIG_VERSION, 0)
        else:
            continue
        if said is not None:
            newest, version = record.seq, said
    return None if uplink.origin_inc is not None else version
