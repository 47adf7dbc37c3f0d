"""What a full outbox gives up first, and what a newcomer may never displace."""

from phonehome_wire.compat import const
from phonehome_wire.decoder import decode
from phonehome_wire.errors import WireError

from .recordhead import read_head

# Folded away on a board; a test holds them to the wire's registry and limits.
_FAULT_FMI = const(1)
_FAULT_SPN = const(0)
_RTYPE_CRASH = const(4)
_RTYPE_FAULT = const(3)
_RTYPE_LOG = const(5)

_ROOM_BYTES = const(4080)  # of a segment, for records with their frames

_LOG = const(0)
_REPEATED = const(1)  # a transition between the first and the last of its fault
_PLAIN = const(2)
_CRASH = const(3)


def make_room(runs, max_runs: int, newcomer, live, keep, give_up) -> bool:
    """Merge and give up until another run is allowed; False when the newcomer ranks too low.

    `live(run)` gives the records of a run that wait, `keep(run, records)` makes them the only
    ones, `give_up(run, survivors, victims)` does too and counts the victims.
    """
    while len(runs) >= max_runs:
        if not _merge(runs, live, keep):
            choice = choose(runs, live, rank(newcomer))
            if choice is None:
                return False
            give_up(*choice)
    return True


def rank(record, ends=None) -> int:
    """How late a record is given up; `ends` holds the first and last id of each fault."""
    rtype, boot, seq = read_head(record)
    if rtype == _RTYPE_LOG:
        return _LOG
    if rtype == _RTYPE_CRASH:
        return _CRASH
    if rtype == _RTYPE_FAULT and ends:
        first_boot, first_seq, last_boot, last_seq = ends[_fault_key(record)]
        if (boot, seq) not in ((first_boot, first_seq), (last_boot, last_seq)):
            return _REPEATED
    return _PLAIN


def choose(runs, live, newcomer_rank: int) -> "tuple | None":
    """(run, survivors, victims): the lowest records of the oldest run that has any.

    `live(run)` gives the records of a run that wait. None when all of them outrank the newcomer.
    """
    ends = None
    for level in range(newcomer_rank + 1):
        if level == _REPEATED:
            ends = _fault_ends(runs, live)
        for run in runs:
            records = live(run)
            victims = [record for record in records if rank(record, ends) == level]
            if victims:
                return run, [record for record in records if record not in victims], victims
    return None


def find_outranked(runs, live, newcomer_rank: int):
    """The oldest run in which nothing outranks the newcomer, or None."""
    for run in runs:
        if all(rank(record) <= newcomer_rank for record in live(run)):
            return run
    return None


def _fault_ends(runs, live) -> dict:
    """The ids of the first and the last waiting transition of each fault, in one list."""
    ends: dict = {}
    for run in runs:
        for record in live(run):
            rtype, boot, seq = read_head(record)
            if rtype == _RTYPE_FAULT:
                key = _fault_key(record)
                if key in ends:
                    ends[key][2:] = boot, seq
                else:
                    ends[key] = [boot, seq, boot, seq]
    return ends


def _fault_key(record) -> int:
    """What makes two transitions those of one fault."""
    try:
        body = decode(record)[4]
        key: int = body[_FAULT_SPN] << 5 | body[_FAULT_FMI]
    except (WireError, KeyError):
        return -1
    return key


def _merge(runs, live, keep) -> bool:
    """Join two neighbours that fit into one segment; nothing is given up."""
    for first, second in zip(runs, runs[1:]):  # noqa: B905, RUF007  # no strict=
        if first.inc == second.inc and first.live_bytes + second.live_bytes <= _ROOM_BYTES:
            keep(first, live(first) + live(second))
            keep(second, [])
            return True
    return False
