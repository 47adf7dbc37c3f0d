"""The receiver's word about what was reported, and its commands."""

from phonehome_wire.compat import const
from phonehome_wire.heard import Ack, Command, open_downlink

# Folded away on a board; a test holds them to the wire's registry and limits.
_POLL_COMMANDS = const(2)
_POLL_HELLO = const(1)
_RESULT_EXPIRED = const(4)


def hear(reporter, message, now_ms: int) -> str:
    """Take a downlink message and act on it; return what it was: ack, command or ignored.

    WireError when it is not from the receiver or breaks a rule of the wire.
    """
    identity = reporter.identity
    if identity.change is not None:  # under the old key or the new one, as it was spoken to
        said = identity.change.open(message)
    else:
        said = open_downlink(message, identity.down_key, identity.kid)
    session = reporter.session
    if isinstance(said, Ack) and said.inc == session.inc and said.boot == session.boot:
        _hear_ack(reporter, said, now_ms)
        return "ack"
    if isinstance(said, Command) and said.inc == session.inc and said.boot == session.boot:
        return _hear_command(reporter, said, now_ms)
    return "ignored"


def _hear_ack(reporter, ack: Ack, now_ms: int) -> None:
    reporter.clock.hear(ack.server_ms, ack.echo_ms, now_ms)
    reporter.acked_ms = ack.echo_ms
    in_flight, outbox = reporter.in_flight, reporter.outbox.open()
    reporter.ack_latency_ms = max(0, now_ms - in_flight.sent_at_ms)
    inc = ack.origin_inc or ack.inc
    done, refused = in_flight.settle(inc, ack.echo_ms, ack.stored, ack.refused)
    if reporter.heartbeat_key in done + [tuple(word[:2]) for word in refused]:
        reporter.heartbeat = None
    for boot, seq, code in refused:
        outbox.quarantine(inc, boot, seq, code)
    if done:
        outbox.remove(inc, done)
    reporter.pause_s = ack.backoff_s
    poll = ack.poll or 0
    reporter.wants_poll = bool(poll & _POLL_COMMANDS)
    if poll & _POLL_HELLO:
        reporter.add_hello(now_ms, has_catalog=True)


def _hear_command(reporter, command: Command, now_ms: int) -> str:
    reporter.in_flight.hear_command()
    if command.cseq <= reporter.last_cseq:
        return "ignored"
    reporter.last_cseq = command.cseq
    if now_ms > command.deadline_ms:
        status, value = _RESULT_EXPIRED, None
    else:
        status, value = reporter.execute(command.code, command.args or {})
    reporter.add_result(command.cseq, status, value, now_ms)
    return "command"
