"""What an event leads to in the agent itself, before anybody else hears of it."""

from phonehome_wire.compat import const

from .phases import metric_of

# Folded away on a board; a test holds them to the wire's registry and limits.
_METRIC_SYNCS = const(24)


# The agent's own things are nobody else's: this is a part of it that is not always loaded.
# ruff: noqa: SLF001


def note(agent, name: str, facts: dict) -> None:
    """Count it, put it into the log, and act on it."""
    if name == "acked":
        agent.metrics.add(_METRIC_SYNCS)
    elif name == "backoff":
        agent.metrics.add(metric_of(facts["phase"]))
    if name not in ("sent", "acked"):
        agent._log.info("%s %s", name, facts.get("code") or facts.get("phase") or "")
    if name in ("crash", "past"):
        agent._sending.ask(is_urgent=True)
    if name == "key" and facts["state"] == "active" and agent._link.acks_later:
        # The last will is still signed with the old key.
        agent._tasks.start(agent._link.close())
