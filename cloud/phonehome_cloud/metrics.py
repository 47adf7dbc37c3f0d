"""Counts for operators, in the format of Prometheus.

prometheus-client, because it is the reference implementation of what every collector reads.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Metrics:
    """Every count of the receiver; one object for one process, made by app.py."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._messages = Counter(
            "phonehome_messages",
            "Messages by transport and by how they ended.",
            ["transport", "reason"],
            registry=self.registry,
        )
        self._batches = Histogram(
            "phonehome_commit_messages",
            "Messages in one commit.",
            buckets=_BATCH_BUCKETS,
            registry=self.registry,
        )
        self._digested = Counter(
            "phonehome_digested_records",
            "Records the digest took, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._tickets = Counter(
            "phonehome_tickets",
            "Tickets opened and resolved by the receiver.",
            ["event"],
            registry=self.registry,
        )
        self._commands = Counter(
            "phonehome_commands",
            "Commands sent with an answer, pushed by themselves, and expired.",
            ["event"],
            registry=self.registry,
        )
        self._commands_waiting = Gauge(
            "phonehome_commands_waiting",
            "Devices for which a command waits.",
            registry=self.registry,
        )
        self._depth = Gauge(
            "phonehome_commit_waiting", "Messages that wait for a commit.", registry=self.registry
        )

    def count_message(self, transport: str, reason: str) -> None:
        """One message ended like this; reasons are the stable tokens of core.intake."""
        self._messages.labels(transport, reason).inc()

    def count_commit(self, messages: int) -> None:
        """One commit of so many messages."""
        self._batches.observe(messages)

    def set_waiting(self, messages: int) -> None:
        """So many messages wait for a commit."""
        self._depth.set(messages)

    def count_digested(self, records: int, failed: int) -> None:
        """So many records were digested, so many of them set aside."""
        self._digested.labels("done").inc(records - failed)
        self._digested.labels("failed").inc(failed)

    def count_tickets(self, opened: int, resolved: int) -> None:
        """So many tickets were opened and resolved."""
        self._tickets.labels("opened").inc(opened)
        self._tickets.labels("resolved").inc(resolved)

    def count_commands(self, event: str, count: int) -> None:
        """So many commands were sent, pushed or expired."""
        self._commands.labels(event).inc(count)

    def set_commands_waiting(self, devices_waiting: int) -> None:
        """Commands wait for so many devices."""
        self._commands_waiting.set(devices_waiting)

    def render(self) -> bytes:
        """The text that a collector reads."""
        return generate_latest(self.registry)
