"""Faults at the console: their states, their freeze frames, and what may be done to them."""

from phonehome_wire.compat import const

from .answer import Scaled, WordError

# Folded away on a board; a test holds them to the wire's registry and limits.
_FAULT_FREEZE = const(9)
_FAULT_FMI = const(1)
_FAULT_SPN = const(0)
_FREEZE_CHANNELS = const(2)
_FREEZE_PERIOD_MS = const(0)
_FREEZE_TRIGGER = const(1)
_MISSING = const(-(2**31))
_RTYPE_FAULT = const(3)

STATES = ("ok", "pending", "confirmed", "healed", "cleared")  # as core.faults counts them
_RECORD_BYTES = const(1024)  # more than a fault record can have
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_WEEK_S = const(604800)


def tell_faults(hands, words: list, write) -> None:
    """Every fault that is not just ok, or those that are named, or `all`."""
    faults = hands.sampler.faults
    indices = [expect_fault(hands, "faults", word).index for word in words if word != "all"]
    count = 0
    for index, spec in enumerate(faults.specs):
        if index in indices or (not indices and (words or faults.state(index))):
            _tell_fault(hands, faults, index, spec, write)
            count += 1
    if not count:
        write.none("faults")


def _tell_fault(hands, faults, index: int, spec, write) -> None:
    fields = [("code", spec.code), ("state", STATES[faults.state(index)])]
    fields += [("occurrence", faults.occurrence(index)), ("status", faults.status(index))]
    fields += [("spn", spec.spn), ("fmi", spec.fmi)]
    if spec.sensor is not None:
        channel = hands.product.channels[spec.sensor]
        fields += [("sensor", channel.name), ("value", Scaled(channel.value, channel.exp))]
    shelved_ms = hands.sampler.silence.shelved_ms(index) if hands.sampler.has_silence else 0
    if shelved_ms:
        fields.append(("shelved_s", shelved_ms // 1000))
    write.row("faults", *fields)


def freeze(hands, words: list, write) -> None:
    """The samples around the newest confirmation that still waits; else those up to now."""
    fault = expect_fault(hands, "freeze", words[0] if len(words) == 1 else "")
    body = _newest_frame(hands, fault.spec)
    write("code", fault.spec.code)
    write("state", STATES[fault.state])
    if body is None:
        write("frame", "now, no confirmation of it waits on this board")
        _tell_ring(hands.sampler.ring, hands.product, write)
    else:
        write("frame", "record %d/%d" % (body[1], body[2]))
        _tell_frame(body[4][_FAULT_FREEZE], hands.product, write)


def clear(hands, words: list, write) -> None:
    """Clear one fault, or `all`: the receiver hears of it."""
    if words == ["all"]:
        write("cleared", hands.sampler.clear(hands.now_ms))
    else:
        fault = expect_fault(hands, "clear", words[0] if len(words) == 1 else "")
        write("cleared", hands.sampler.clear(hands.now_ms, fault.spec.code))


def shelve(hands, words: list, write) -> None:
    """Tell nothing of a fault for a time; 0 ends it."""
    if len(words) != 2:
        raise WordError("shelve: want a code and a time, as in 'shelve E21 30m'")
    fault = expect_fault(hands, "shelve", words[0])
    span_s = seconds_of("shelve", words[1])
    hands.agent.shelve(fault.spec.code, span_s * 1000)
    write("code", fault.spec.code)
    write("shelved_s", span_s)


def expect_fault(hands, command: str, code: str):
    """The fault with this code; WordError names those there are."""
    fault = hands.sampler.faults.maybe_find(code)
    if fault is None:
        codes = ", ".join([spec.code for spec in hands.sampler.faults.specs])
        what = "%s %r: no fault has this code" % (command, code) if code else command
        raise WordError("%s; want one of %s" % (what, codes or "none: the product has no faults"))
    return fault


def seconds_of(command: str, word: str) -> int:
    """The seconds of a time as in 90s, 30m, 2h, 1d, 0; WordError otherwise."""
    digits, unit = (word, "s") if word.isdigit() else (word[:-1], word[-1:])
    if digits.isdigit() and len(digits) < 7 and unit in _UNITS_S:
        span_s = int(digits) * _UNITS_S[unit]
        if span_s <= _WEEK_S:
            return span_s
    raise WordError("%s %r: want a time of at most 7d, as in 90s, 30m, 2h" % (command, word))


def _newest_frame(hands, spec) -> "list | None":
    """The newest waiting record of a fault that has a freeze frame, decoded."""
    from phonehome.core.recordhead import read_head
    from phonehome_wire.decoder import decode

    found = None
    for record in hands.outbox.open().live_records():
        if read_head(record)[0] == _RTYPE_FAULT:
            decoded = decode(record, _RECORD_BYTES)
            body = decoded[4]
            is_of = body[_FAULT_SPN] == spec.spn and body[_FAULT_FMI] == spec.fmi
            if is_of and _FAULT_FREEZE in body:
                found = decoded
    return found


def _tell_frame(frame: dict, product, write) -> None:
    """Rows of a frame as the wire has it: an exponent, a first value, then differences."""
    names = {channel.id: channel.name for channel in product.channels}
    columns = []
    for number in sorted(frame[_FREEZE_CHANNELS]):
        exp, *series = frame[_FREEZE_CHANNELS][number]
        columns.append((names.get(number, str(number)), exp, _sum_up(series)))
    count = max([len(column[2]) for column in columns], default=0)
    for number in range(count):
        ms = (number - frame[_FREEZE_TRIGGER]) * frame[_FREEZE_PERIOD_MS]
        values = [(name, Scaled(steps[number], exp)) for name, exp, steps in columns]
        write.row("samples", ("ms", ms), *values)


def _sum_up(series: list) -> list:
    steps, last = [], 0
    for delta in series:
        if delta is None:
            steps.append(_MISSING)
        else:
            last += delta
            steps.append(last)
    return steps


def _tell_ring(ring, product, write) -> None:
    names = {channel.id: channel.name for channel in product.channels}
    places = range(ring.channel_count)
    for number in range(ring.count):
        ms = (number + 1 - ring.count) * ring.period_ms
        values = [
            (names[ring.channel_id(p)], Scaled(ring.sample(p, number), ring.exp(p)))
            for p in places
        ]
        write.row("samples", ("ms", ms), *values)
