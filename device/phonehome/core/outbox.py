"""The queue of records that are not acknowledged yet: what is kept, sent first, and given up.

Records leave it in two ways only: a signed ack names them, or room is needed. Then they go in this
order: logs, repeated transitions of a fault (its first and last stay), the oldest of everything
else, crashes. What is given up is counted by kind, and on flash before it goes: a power cut
between the two counts too much, never too little.
"""

from phonehome_wire.compat import const

from .ondemand import forget
from .recordhead import kind_of, read_head

QUOTA_BYTES = const(65536)
_SEGMENT_BYTES = const(4096)
_HEADER_BYTES = const(16)
_FRAME_BYTES = const(6)
_ENOSPC = const(28)
_MAX_ASIDE = const(16)

UNREADABLE = "unreadable"
# The order of the counts on flash. Heartbeats are not among them: they are never stored.
_COUNTED = (UNREADABLE, "log", "fault", "crash", "hello", "result", "other")
_EVICTION = __name__.rpartition(".")[0] + ".eviction"


class _Run:
    """What is remembered of one segment: where it is, how full, and which records are done."""

    def __init__(self, number: int, inc: bytes) -> None:
        self.number = number
        self.inc = inc
        self.reset([])

    def reset(self, records: list) -> None:
        """Begin again with these records, none of them done."""
        self.size = _HEADER_BYTES
        self.count = 0
        self.done = 0  # bit i: record i needs no sending any more
        self.done_count = 0
        self.live_bytes = 0
        for record in records:
            self.add(len(record))

    def add(self, record_bytes: int) -> None:
        """Count a record that was written."""
        self.size += _FRAME_BYTES + record_bytes
        self.live_bytes += _FRAME_BYTES + record_bytes
        self.count += 1

    def facts(self) -> tuple:
        """Everything that is remembered, as plain values."""
        facts = (self.number, self.inc, self.size, self.count, self.done)
        return facts + (self.done_count, self.live_bytes)

    def recall(self, facts: tuple) -> None:
        """Remember these again."""
        _, _, self.size, self.count, self.done, self.done_count, self.live_bytes = facts

    def finish(self, ordinal: int, record_bytes: int) -> None:
        """Note that a record needs no sending any more."""
        self.done |= 1 << ordinal
        self.done_count += 1
        self.live_bytes -= _FRAME_BYTES + record_bytes


class Outbox:
    """Records on flash until they are acknowledged; `segments` is the port that stores them.

    `inc` is the incarnation that new records belong to, `drops` counts the given up by kind over
    all boots, `dropped` those of this boot; `on_drop(kind, count)` is told of each. `facts` are
    what an earlier object knew.
    """

    def __init__(
        self, segments, inc: bytes, quota_bytes: int = QUOTA_BYTES, on_drop=None, facts=()
    ) -> None:
        self._segments = segments
        self._max_runs = max(2, quota_bytes // _SEGMENT_BYTES)
        self._on_drop = on_drop
        self._runs: list[_Run] = []
        self._is_open = False  # the newest run may be appended to
        self._first: list = []  # (boot, seq) of this incarnation to be sent before others
        self._aside: list = []  # (inc, boot, seq) to be sent after others
        self.inc = inc
        self.drops: dict = {}
        self.dropped = 0
        if facts:
            self._recall(facts)
            return
        for kind, count in zip(_COUNTED, segments.load_drops()):  # noqa: B905  # no strict=
            if count:
                self.drops[kind] = count
        for number in segments.numbers():
            self._adopt(number)

    def open(self) -> "Outbox":
        """Itself; what stands for an outbox that is not loaded has this too."""
        return self

    @property
    def depth(self) -> int:
        """How many records wait for their ack."""
        return sum([run.count - run.done_count for run in self._runs])

    @property
    def has_urgent(self) -> bool:
        """True while a record that was appended as urgent waits."""
        return bool(self._first)

    def facts(self) -> tuple:
        """(depth, has_urgent, dropped) and the rest of what it knows, as plain values."""
        runs = [run.facts() for run in self._runs]
        others = (runs, self._is_open, self._first, self._aside, self.drops)
        return (self.depth, self.has_urgent, self.dropped) + others

    def _recall(self, facts: tuple) -> None:
        _, _, self.dropped, runs, self._is_open, self._first, self._aside, self.drops = facts
        for run_facts in runs:
            run = _Run(run_facts[0], run_facts[1])
            run.recall(run_facts)
            self._runs.append(run)

    def holds(self, rtype: int, told: tuple) -> bool:
        """True while a record of this type waits whose boot and seq end in these 8 and 16 bits."""
        for run in self._runs:
            for record in self._records(run):
                head = read_head(record)
                if head[0] == rtype and (head[1] & 0xFF, head[2] & 0xFFFF) == told:
                    return True
        return False

    def live_records(self):
        """Every record that waits, the oldest first, one segment of them in memory at a time."""
        for run in list(self._runs):
            for record in self._records(run):
                yield record

    def records_from(self, inc: bytes, boot: int, seq: int) -> list:
        """What waits of an incarnation, from this number of this boot on, oldest first."""
        found = []
        for run in [run for run in self._runs if run.inc == inc]:
            records = self._records(run)
            found += [record for record in records if read_head(record)[1:] >= (boot, seq)]
        return found

    def append(self, record, is_urgent: bool = False) -> bool:
        """Store a record; False when nothing could make room and it was given up (and counted)."""
        for _ in range(self._max_runs + 2):
            try:
                if not self._find_room(record):
                    break
                self._write(record)
            except OSError as error:
                self._is_open = False  # what was written of it is a torn tail now
                if error.errno != _ENOSPC or not self._free_segment(record):
                    break
                continue
            if is_urgent:
                self._first.append(read_head(record)[1:])
            return True
        self.drop(kind_of(record))
        self._keep_drops(())
        return False

    def drop(self, kind: str, count: int = 1) -> None:
        """Count records that will never be sent."""
        self.drops[kind] = self.drops.get(kind, 0) + count
        self.dropped += count
        if self._on_drop:
            self._on_drop(kind, count)

    def batch(self, max_count: int, max_bytes: int) -> tuple:
        """Choose what to send: (incarnation, records), urgent ones first, then the oldest.

        All are of one incarnation; the first may alone be larger than `max_bytes`.
        """
        chosen: list = []
        if self._first:
            self._choose(chosen, self.inc, self._first, max_count, max_bytes)
            if not chosen:
                self._first = []  # unreadable by now
        for inc in [self.inc] if chosen else [run.inc for run in self._runs]:
            self._choose(chosen, inc, None, max_count, max_bytes)
            if chosen:
                return inc, chosen
        if not self._aside:
            return self.inc, chosen
        self._aside = []
        return self.batch(max_count, max_bytes)

    def remove(self, inc: bytes, ids: list) -> int:
        """Forget the records of an incarnation with these (boot, seq); return how many."""
        removed = 0
        for run in [run for run in self._runs if run.inc == inc]:
            if removed == len(ids):
                break
            for ordinal, record in self._live(run):
                if read_head(record)[1:] in ids:
                    run.finish(ordinal, len(record))
                    removed += 1
            self._discard_if_done(run)
        self._first = [key for key in self._first if inc != self.inc or key not in ids]
        return removed

    def quarantine(self, inc: bytes, boot: int, seq: int, code: int) -> None:
        """Move a record that is refused for ever out of the queue, to where people look."""
        for run in [run for run in self._runs if run.inc == inc]:
            live = self._live(run)
            refused = [record for _, record in live if read_head(record)[1:] == (boot, seq)]
            if not refused:
                continue
            try:
                self._segments.quarantine(inc, boot, seq, code, refused[0])
                self._keep(run, [record for _, record in live if record != refused[0]])
            except OSError:
                pass  # a full flash: it is at least not sent again in this boot
            break
        self.remove(inc, [(boot, seq)])

    def set_aside(self, inc: bytes, boot: int, seq: int) -> None:
        """Send everything else before this record: it may be what the receiver stumbles over."""
        self._aside.append((inc, boot, seq))
        if len(self._aside) > _MAX_ASIDE:
            self._aside.pop(0)
        self._first = [key for key in self._first if key != (boot, seq)]

    def _adopt(self, number: int) -> None:
        """Take over a segment of an earlier boot; mend it, and count what cannot be read."""
        segment = self._segments.load(number)
        if segment.gaps:
            self.drop(UNREADABLE, segment.gaps)
            self._keep_drops(())
        run = _Run(number, segment.inc)
        run.reset(segment.records)
        self._runs.append(run)
        self._is_open = segment.gaps == 0
        if segment.gaps or not segment.records:
            try:
                self._keep(run, segment.records)
                self._is_open = bool(segment.records)
            except OSError:
                pass  # it stays as it is and is only read

    def _find_room(self, record) -> bool:
        """See that the newest run, or a new one, may take the record; False: it ranks too low."""
        run = self._runs[-1] if self._is_open else None
        needed = _FRAME_BYTES + len(record)
        if run and run.inc == self.inc and run.size + needed <= _SEGMENT_BYTES:
            return True
        self._is_open = False
        return len(self._runs) < self._max_runs or self._make_room(record)

    def _write(self, record) -> None:
        if self._is_open:
            run = self._runs[-1]
            self._segments.append(run.number, run.inc, record)
        else:
            run = _Run(self._runs[-1].number + 1 if self._runs else 1, self.inc)
            self._segments.remove(run.number)  # what an earlier try may have left
            self._segments.create(run.number, run.inc, record)
            self._runs.append(run)
            self._is_open = True
        run.add(len(record))

    def _live(self, run: _Run) -> list:
        """(ordinal, record) of what still has to be sent."""
        records = self._segments.load(run.number).records
        if len(records) != run.count:  # damaged while it waited: what is left is sent again
            self.drop(UNREADABLE, max(1, run.count - len(records)))
            self._keep_drops(())
            run.reset(records)
        return [(i, record) for i, record in enumerate(records) if not run.done >> i & 1]

    def _records(self, run: _Run) -> list:
        return [record for _, record in self._live(run)]

    def _keep(self, run: _Run, records: list) -> None:
        """Make these the only records of a run; without any it is gone."""
        if records:
            self._segments.rewrite(run.number, run.inc, records)
            run.reset(records)
        else:
            self._segments.remove(run.number)
            self._forget(run)

    def _discard_if_done(self, run: _Run) -> None:
        if run.done_count == run.count:
            try:
                self._keep(run, [])
            except OSError:
                pass  # at worst the next boot sends it again, under the same ids

    def _forget(self, run: _Run) -> None:
        if run is self._runs[-1]:
            self._is_open = False
        self._runs.remove(run)

    def _choose(self, chosen: list, inc: bytes, ids, max_count: int, max_bytes: int) -> None:
        """Add the live records of an incarnation, those with these ids or all the others."""
        used = sum([len(record) for record in chosen])
        for run in self._runs:
            if run.inc != inc or run.done_count == run.count:
                continue
            for _, record in self._live(run):
                key = read_head(record)[1:]
                wanted = key in ids if ids else key not in self._first
                if not wanted or (inc,) + key in self._aside:
                    continue
                if len(chosen) >= max_count or (chosen and used + len(record) > max_bytes):
                    return
                chosen.append(record)
                used += len(record)

    def _make_room(self, record) -> bool:
        """Give up what ranks lowest until another run is allowed; False: it is the record."""
        from .eviction import make_room  # rarely needed, so it is not kept on the heap

        try:
            parts = (self._records, self._keep, self._give_up)
            has_room: bool = make_room(self._runs, self._max_runs, record, *parts)
        finally:
            forget(_EVICTION)
        return has_room

    def _free_segment(self, record) -> bool:
        """Remove the oldest run that a newcomer outranks: a full disk cannot rewrite."""
        from .eviction import find_outranked, rank

        run = find_outranked(self._runs, self._records, rank(record))
        forget(_EVICTION)
        if run is None:
            return False
        self._give_up(run, [], self._records(run))
        return True

    def _give_up(self, run: _Run, survivors: list, victims: list) -> None:
        is_counted = self._keep_drops(victims)
        self._keep(run, survivors)
        for record in victims:
            self.drop(kind_of(record))
        ids = [read_head(record)[1:] for record in victims]
        self._first = [key for key in self._first if key not in ids]
        if not is_counted:
            self._keep_drops(())  # the flash was full; now it is not

    def _keep_drops(self, victims) -> bool:
        """Put the counts on flash as they will be without these records; False: no room for it."""
        counts = [self.drops.get(kind, 0) for kind in _COUNTED]
        for record in victims:
            counts[_COUNTED.index(kind_of(record))] += 1
        try:
            self._segments.keep_drops(counts)
        except OSError:
            return False
        return True
