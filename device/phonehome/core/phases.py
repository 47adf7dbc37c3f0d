"""In which phase talking to the receiver failed, and the metric that counts it."""

from phonehome_wire.compat import const

# Folded away on a board; a test holds them to the wire's registry and limits.
_METRIC_FAILED_DNS = const(25)
_METRIC_FAILED_OFFLINE = const(42)

# In the order of their metrics, from _METRIC_FAILED_DNS on.
_PHASES = ("dns", "connect", "tls", "send", "receive", "refused", "protocol", "ack")


def metric_of(phase: str) -> int:
    """The metric that counts failures in a phase of LinkError."""
    if phase == "offline":
        return _METRIC_FAILED_OFFLINE
    return _METRIC_FAILED_DNS + _PHASES.index(phase)
