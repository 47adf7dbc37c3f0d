"""The file of the fault states, and what the outbox knows that it does not.

    faults.bin = format[1] incarnation[4] boot[4] seq[4] snapshot

A transition is a record in the outbox first, and then a state in the file. A board that dies
between the two would find the fault anew and tell it twice. So the file says which record comes
next; those that the outbox holds from there on are put into the states at the start, on flash
before anything is sent. Loaded at a start and at a transition.
"""

import struct

from phonehome_wire.compat import const

from .faults import CLEARED, CONFIRMED, HEALED

# Folded away on a board; a test holds them to the wire's registry and limits.
_FAULT_CONTEXT = const(10)
_FAULT_FMI = const(1)
_FAULT_KIND = const(11)
_FAULT_OCCURRENCE = const(3)
_FAULT_SPN = const(0)
_KIND_CLEARED = const(3)
_KIND_CONFIRMED = const(0)
_KIND_HEALED = const(2)
_METRIC_TEST = const(60)
_RTYPE_FAULT = const(3)

FILE = "faults.bin"
_FORMAT = const(3)  # before it the file was a snapshot, which begins with 1 or 2
_HEAD = "<B4sII"
_HEAD_BYTES = const(13)

# As in faults, faultlife and shelving.
_SHELVED = const(2)
_SHELVED_HEAD_BYTES = const(2)
_SHELVED_ENTRY_BYTES = const(5)
_TABLE_HEAD_BYTES = const(1)
_ENTRY_BYTES = const(6)
_KEY_BYTES = const(3)
_STATE = const(3)
_OCCURRENCE = const(4)
_CLEAN = const(5)
_STATE_BITS = const(0x07)
_TESTED = const(0x48)
_FAILED = const(0xB0)


def snapshot_in(data: bytes) -> bytes:
    """The snapshot in what the file holds."""
    return data[_HEAD_BYTES:] if data[:1] == bytes((_FORMAT,)) else data


def save(folder, session, snapshot: bytes) -> None:
    """Make this the file, as of the next record of `session`; OSError when there is no room."""
    _write(folder, session.inc, session.boot, session.next_seq, snapshot)


def restore(sampler, folder, session, outbox, now_ms: int) -> None:
    """Give a sampler the states of the boot before; a file that is none is removed."""
    states = _load(folder, session, outbox, sampler.snapshot())
    if states:
        try:
            sampler.restore(states, now_ms)
        except ValueError:
            folder.remove(FILE)


def _load(folder, session, outbox, fresh: bytes) -> bytes:
    """The newest states: the file's, or `fresh` without one, and what the outbox tells later."""
    data: bytes = folder.read(FILE)
    inc, boot, seq = session.inc, 0, 0
    if len(data) >= _HEAD_BYTES and data[0] == _FORMAT:
        inc, boot, seq = struct.unpack(_HEAD, data[:_HEAD_BYTES])[1:]
    elif data:
        return data  # of a version that does not say what it knows
    told = outbox.open().records_from(inc, boot, seq) if outbox.depth else []
    states = _complete(snapshot_in(data), fresh)
    changes = [at for at in [_put(states, record) for record in told] if at]
    if not changes:
        return snapshot_in(data)
    boot, seq = changes[-1]
    try:
        _write(folder, inc, boot, seq + 1, states)
    except OSError:
        pass  # a full flash: the next start finds it out again
    return bytes(states)


def _write(folder, inc: bytes, boot: int, seq: int, snapshot) -> None:
    folder.replace(FILE, struct.pack(_HEAD, _FORMAT, inc, boot, seq), snapshot)


def _complete(states: bytes, fresh: bytes) -> bytearray:
    """The states with those of faults that the product did not have when they were kept."""
    if not states:
        return bytearray(fresh)
    known = [
        states[at : at + _KEY_BYTES] for at in range(_first(states), len(states), _ENTRY_BYTES)
    ]
    complete = bytearray(states)
    for at in range(_TABLE_HEAD_BYTES, len(fresh), _ENTRY_BYTES):
        if fresh[at : at + _KEY_BYTES] not in known:
            complete.extend(fresh[at : at + _ENTRY_BYTES])
    return complete


def _put(states: bytearray, record) -> "tuple | None":
    """Put the transition of a record into the states; its (boot, seq), None when it is of none."""
    from phonehome_wire.decoder import decode
    from phonehome_wire.errors import WireError

    from .recordhead import read_head

    rtype, boot, seq = read_head(record)
    if rtype != _RTYPE_FAULT:
        return None
    try:
        body = decode(record)[4]
        key = (body[_FAULT_SPN] << 5 | body[_FAULT_FMI]).to_bytes(_KEY_BYTES, "big")
        kind, occurrence = body.get(_FAULT_KIND), body.get(_FAULT_OCCURRENCE, 0)
    except (WireError, KeyError):
        return None
    if _METRIC_TEST in body.get(_FAULT_CONTEXT, ()):
        return None  # provoked at the console: no state of the appliance
    for at in range(_first(states), len(states), _ENTRY_BYTES):
        if states[at : at + _KEY_BYTES] == key and _change(states, at, kind, occurrence):
            return boot, seq
    return None


def _first(states) -> int:
    """Where the first fault is in a snapshot, with silences before it or not."""
    if states[0] != _SHELVED:
        return _TABLE_HEAD_BYTES
    entries: int = states[1]
    return _SHELVED_HEAD_BYTES + _SHELVED_ENTRY_BYTES * entries + _TABLE_HEAD_BYTES


def _change(states: bytearray, at: int, kind: int, occurrence: int) -> bool:
    """Give the fault at a place the state that a transition leads to; False for a pending one."""
    tests = states[at + _STATE] & ~_STATE_BITS | _TESTED
    if kind == _KIND_CONFIRMED:
        states[at + _STATE] = tests | _FAILED | CONFIRMED
        states[at + _CLEAN] = 0
    elif kind == _KIND_HEALED:
        states[at + _STATE] = tests | HEALED
    elif kind == _KIND_CLEARED:
        states[at + _STATE] = (tests if occurrence else 0) | CLEARED
        states[at + _CLEAN] = 0
    else:
        return False
    states[at + _OCCURRENCE] = occurrence
    return True
