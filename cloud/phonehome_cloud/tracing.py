"""OpenTelemetry spans of messages, commits, the digest and API requests, when they are wanted.

Without `trace.url` a message meets nothing of this: intake is the plain class, and no library is
imported. opentelemetry-sdk, because it is what collectors speak; an extra of the package
(`traces`), because most receivers have none.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from phonehome_wire.envelope import peek
from phonehome_wire.errors import RefusedError

from .config import TraceConfig
from .core.intake import Intake, Reply
from .errors import ConfigError
from .metrics import Metrics

_SERVICE = "phonehome-receiver"
_EXPORT_WITHIN_S = 5
_INSTALL = "install what it needs: pip install 'phonehome[traces]'"


class Tracer:
    """Makes spans and sends them by OTLP over HTTP, in a thread of its own.

    Raises ConfigError when the libraries are not installed. `close()` sends what is left.
    """

    def __init__(self, config: TraceConfig) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.sdk.trace.sampling import (  # noqa: PLC0415
                ParentBased,
                TraceIdRatioBased,
            )
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
                TraceContextTextMapPropagator,
            )
        except ImportError:
            raise ConfigError([f"trace.url is set: {_INSTALL}"]) from None
        self._propagator = TraceContextTextMapPropagator()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": _SERVICE}),
            sampler=ParentBased(TraceIdRatioBased(config.ratio)),
        )
        exporter = OTLPSpanExporter(endpoint=config.url, timeout=_EXPORT_WITHIN_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(_SERVICE)

    @contextmanager
    def span(self, name: str, headers: Mapping[str, str] | None = None) -> Iterator[Any]:
        """A span around what is done inside; below the one that the headers name, if any."""
        parent = self._propagator.extract(headers) if headers is not None else None
        with self._tracer.start_as_current_span(name, context=parent) as span:
            yield span

    def note(self, name: str, seconds: float, attributes: Mapping[str, str | int]) -> None:
        """A span that has just ended."""
        end_ns = time.time_ns()
        started_ns = end_ns - int(seconds * 1e9)
        span = self._tracer.start_span(name, attributes=dict(attributes), start_time=started_ns)
        span.end(end_ns)

    def close(self) -> None:
        """Send what is left; blocks for as long as that takes."""
        self._provider.shutdown()


TRACER = web.AppKey("tracer", Tracer)


class TracedIntake(Intake):
    """Intake with a span for each message: transport, status, reason, device; never its bytes."""

    def __init__(self, tracer: Tracer, *parts: Any) -> None:
        super().__init__(*parts)
        self._tracer = tracer

    async def accept(
        self, message: bytes, transport: str, path_dev: str | None = None, address: str = ""
    ) -> Reply:
        """See Intake.accept."""
        started_s = time.perf_counter()
        reply = await super().accept(message, transport, path_dev, address)
        self._note(message, transport, reply, started_s)
        return reply

    def accept_at_once(
        self,
        message: bytes,
        transport: str,
        path_dev: str | None,
        address: str,
        answer: Callable[[Reply], None],
    ) -> bool:
        """See Intake.accept_at_once."""
        started_s = time.perf_counter()

        def noted(reply: Reply) -> None:
            self._note(message, transport, reply, started_s)
            answer(reply)

        return super().accept_at_once(message, transport, path_dev, address, noted)

    def _note(self, message: bytes, transport: str, reply: Reply, started_s: float) -> None:
        said: dict[str, str | int] = {
            "phonehome.transport": transport,
            "phonehome.status": reply.status,
            "phonehome.reason": reply.reason,
            "phonehome.device": _device_of(message),
        }
        self._tracer.note("message", time.perf_counter() - started_s, said)


class TracedDigest:
    """The counters of the digest, with a span for each of its batches."""

    def __init__(self, tracer: Tracer, counters: Metrics) -> None:
        self._tracer = tracer
        self.count_digested = counters.count_digested
        self.count_tickets = counters.count_tickets
        self._time_digest = counters.time_digest

    def time_digest(self, seconds: float) -> None:
        """One batch took so long."""
        self._time_digest(seconds)
        self._tracer.note("digest", seconds, {})


def _device_of(message: bytes) -> str:
    """The device that a message names; nobody has proved it."""
    try:
        return bytes(peek(message)[1][:-1]).hex()
    except RefusedError:
        return ""
