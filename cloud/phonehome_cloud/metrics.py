"""Counts for operators, in the format of Prometheus; cloud/METRICS.md is the table of them.

prometheus-client, because it is the reference implementation of what every collector reads.
"""

from collections.abc import Iterable
from functools import cache
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from .store.considering import Considered

_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# From one sync of a good disk to what a device waits for its ack.
_COMMIT_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Door(Protocol):
    """Who counts connections."""

    @property
    def connections(self) -> int:
        """How many are open."""

    @property
    def refused(self) -> int:
        """How many were one too many."""

    @property
    def cut(self) -> int:
        """How many took too long to say what they want."""


class Metrics:
    """Every count of the receiver; one object for one process, made by app.py."""

    def __init__(self, version: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Info("phonehome_build", "The version that runs.", registry=self.registry).info(
            {"version": version}
        )
        self._make_intake()
        self._make_digest()
        self._make_store()
        self._make_telling()
        self._api = self._histogram(
            "phonehome_api_seconds",
            "Requests of the desk API, from head to answer.",
            _COMMIT_BUCKETS,
            "method",
            "route",
            "status",
        )

    def _make_intake(self) -> None:
        self._messages = self._counter(
            "phonehome_messages",
            "Messages by transport and by how they ended.",
            "transport",
            "reason",
        )
        self._ended = cache(self._messages.labels)  # finding a child costs more than counting
        self._batches = self._histogram(
            "phonehome_commit_messages", "Messages in one commit.", _BATCH_BUCKETS
        )
        self._commit_s = self._histogram(
            "phonehome_commit_seconds", "One commit, its sync included.", _COMMIT_BUCKETS
        )
        self._wait_s = self._histogram(
            "phonehome_commit_wait_seconds",
            "The oldest message of each commit, from being verified to being on the disk.",
            _COMMIT_BUCKETS,
        )
        self._failures = self._counter(
            "phonehome_commit_failures",
            "Messages whose commit failed: they were not acknowledged.",
        )
        self._depth = self._gauge("phonehome_commit_waiting", "Messages that wait for a commit.")

    def _make_digest(self) -> None:
        self._digested = self._counter(
            "phonehome_digested_records", "Records the digest took, by outcome.", "outcome"
        )
        self._digest_s = self._histogram(
            "phonehome_digest_seconds", "One batch of the digest.", _COMMIT_BUCKETS
        )
        self._lag_s = self._gauge(
            "phonehome_digest_lag_seconds", "How long the oldest record has waited for the digest."
        )
        self._undigested = self._gauge(
            "phonehome_digest_waiting", "Records that wait for the digest, counted up to 10001."
        )
        self._tickets = self._counter(
            "phonehome_tickets", "Tickets opened and resolved by the receiver.", "event"
        )
        self._care_s = self._histogram(
            "phonehome_care_seconds", "One batch of tickets considered.", _COMMIT_BUCKETS
        )
        self._considered = self._counter(
            "phonehome_considered",
            "Tickets considered (done), set aside (failed), and decisions by their lane.",
            "event",
        )
        self._actions = self._counter(
            "phonehome_actions", "Actions begun, by kind and state.", "kind", "state"
        )
        self._incidents = self._counter("phonehome_incidents", "Incidents opened by the rate.")
        self._commands = self._counter(
            "phonehome_commands",
            "Commands sent with an answer, pushed by themselves, and expired.",
            "event",
        )
        self._commands_waiting = self._gauge(
            "phonehome_commands_waiting", "Devices for which a command waits."
        )

        self._pursued = self._counter(
            "phonehome_pursued",
            "Looks at what is due of actions, by table and how they went.",
            "table",
            "outcome",
        )

    def _make_store(self) -> None:
        self._dropping = self._gauge(
            "phonehome_dropping_devices", "Devices whose newest boot has dropped records."
        )
        self._dropped = self._gauge(
            "phonehome_dropped_records", "Records that those say they have dropped, in all."
        )
        self._free = self._gauge(
            "phonehome_store_free_bytes", "Free space where the SQLite database is."
        )
        self._ready = self._gauge(
            "phonehome_ready", "1 for each part of /readyz that works, 0 otherwise.", "part"
        )

    def _make_telling(self) -> None:
        self._effects_s = self._histogram(
            "phonehome_effect_seconds",
            "Tries to send a letter or a webhook, by how they ended.",
            _COMMIT_BUCKETS,
            "kind",
            "outcome",
        )
        self._visits = self._counter(
            "phonehome_visit_steps",
            "Visits moved by themselves, their parts, and answers of calendars, by what it was.",
            "what",
        )
        self._effects_lag_s = self._gauge(
            "phonehome_effects_lag_seconds", "How long the oldest effect is due, or tried in vain."
        )
        self._effects_waiting = self._gauge(
            "phonehome_effects_waiting",
            "Effects that are due or were tried in vain, up to 10001.",
        )
        self._effects_dead = self._gauge(
            "phonehome_effects_dead", "Effects that were given up, counted up to 10001."
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, buckets: Iterable[float], *labels: str
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=tuple(buckets), registry=self.registry)

    def count_message(self, transport: str, reason: str) -> None:
        """One message ended like this; reasons are the stable tokens of core.intake."""
        self._ended(transport, reason).inc()

    def count_commit(self, messages: int, seconds: float, waited_s: float) -> None:
        """One commit of so many messages took so long; the oldest waited so long for its end."""
        self._batches.observe(messages)
        self._commit_s.observe(seconds)
        self._wait_s.observe(waited_s)

    def count_failures(self, messages: int) -> None:
        """So many messages could not be committed."""
        self._failures.inc(messages)

    def set_waiting(self, messages: int) -> None:
        """So many messages wait for a commit."""
        self._depth.set(messages)

    def count_digested(self, records: int, failed: int) -> None:
        """So many records were digested, so many of them set aside."""
        self._digested.labels("done").inc(records - failed)
        self._digested.labels("failed").inc(failed)

    def time_digest(self, seconds: float) -> None:
        """One batch of the digest took so long."""
        self._digest_s.observe(seconds)

    def count_tickets(self, opened: int, resolved: int) -> None:
        """So many tickets were opened and resolved."""
        self._tickets.labels("opened").inc(opened)
        self._tickets.labels("resolved").inc(resolved)

    def count_considered(self, done: Considered, seconds: float) -> None:
        """One batch of tickets considered came to this, and took so long."""
        self._care_s.observe(seconds)
        self._considered.labels("done").inc(done.tickets - done.failed)
        self._considered.labels("failed").inc(done.failed)
        for lane, count in done.lanes.items():
            self._considered.labels(lane).inc(count)
        for (kind, state), count in done.begun.items():
            self._actions.labels(kind, state).inc(count)
        self._incidents.inc(len(done.incidents))

    def count_commands(self, event: str, count: int) -> None:
        """So many commands were sent, pushed or expired."""
        self._commands.labels(event).inc(count)

    def set_commands_waiting(self, devices_waiting: int) -> None:
        """Commands wait for so many devices."""
        self._commands_waiting.set(devices_waiting)

    def count_pursued(self, table: str, *, failed: bool) -> None:
        """One row of an action was looked at."""
        self._pursued.labels(table, "failed" if failed else "done").inc()

    def count_visit(self, what: str) -> None:
        """A visit was moved, or got its part, or a mail of the mailbox was read."""
        self._visits.labels(what).inc()

    def count_effect(self, kind: str, outcome: str, seconds: float) -> None:
        """One try to send an effect ended like this, after so long."""
        self._effects_s.labels(kind, outcome).observe(seconds)

    def set_effects(self, lag_s: float, waiting: int, dead: int) -> None:
        """So many effects are due, the oldest for so long; so many were given up."""
        self._effects_lag_s.set(lag_s)
        self._effects_waiting.set(waiting)
        self._effects_dead.set(dead)

    def set_lag(self, lag_s: float, waiting: int) -> None:
        """The oldest of so many undigested records has waited so long."""
        self._lag_s.set(lag_s)
        self._undigested.set(waiting)

    def set_dropped(self, dropping: int, records: int) -> None:
        """So many devices say that they have dropped so many records."""
        self._dropping.set(dropping)
        self._dropped.set(records)

    def set_free(self, free_bytes: int) -> None:
        """So much space is left for the database."""
        self._free.set(free_bytes)

    def set_ready(self, part: str, *, is_ready: bool) -> None:
        """Whether one part of /readyz works."""
        self._ready.labels(part).set(is_ready)

    def time_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request of the desk API; `route` is its pattern, not its path."""
        self._api.labels(method, route, str(status)).observe(seconds)

    def watch_door(self, door: Door) -> None:
        """Read its counts of connections when a collector comes."""
        self.registry.register(_Connections(door))

    def render(self) -> bytes:
        """The text that a collector reads."""
        return generate_latest(self.registry)


class _Connections(Collector):
    """Connections, as the door counts them for itself."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def collect(self) -> Iterable[Metric]:
        """Three families."""
        door = self._door
        yield GaugeMetricFamily("phonehome_connections", "HTTP connections now.", door.connections)
        yield CounterMetricFamily(
            "phonehome_connections_refused", "Connections that were one too many.", door.refused
        )
        yield CounterMetricFamily(
            "phonehome_connections_cut", "Connections whose request head took too long.", door.cut
        )
