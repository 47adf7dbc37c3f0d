"""What rules, delays and counts remember, as bytes that a board keeps while it sleeps.

    token = varint: 0 is None, odd is a string of code >> 1 bytes, even the number (code >> 1) - 1
            in zigzag

What an object remembers stands in one table by the name of its class, so that an agent that never
sleeps carries none of this. What is not in the table is made anew at each wake: samples of a
predicate's own, what a rule last compared.
"""

from array import array
from binascii import crc32

from phonehome_wire.compat import const

_FORMAT = const(1)
_KEY_BYTES = const(4)
_TAIL_BYTES = const(4)
_NUMBERS = (int, bool)  # on MicroPython a bool is no int
_ARRAYS = (array, bytearray)
_PLAIN = (int, bool, bytes, type(None), array, bytearray)

REMEMBERED = {
    "Sampler": ("samples", "_last_ms", "_row_ms", "channels", "faults", "_debounce", "_gates"),
    "Channel": ("value", "errors", "age_ms", "interval_ms", "wait_ms", "_elapsed_ms"),
    "FaultTable": ("entries",),
    "Debounce": (
        "_failed",
        "_verdicts",
        "_on_ms",
        "_off_ms",
        "_failing_ms",
        "_since_fail_ms",
    ),
    "Gates": ("_held_ms",),
    "Silence": ("ages_ms", "shelf_ms", "flags"),
    "FreezeRing": ("count", "wait_ms", "_newest", "_steps"),
    "RateRule": ("_rate", "_window"),
    "Window": ("span_ms", "_first", "_count", "_values", "_spans"),
    "StuckRule": ("_least", "_greatest", "_still_ms", "_is_unbroken", "_is_known_to_move"),
    "NoiseRule": ("_last", "_mean", "_jumps", "_counts"),
    "CountRule": ("_is_armed", "_events"),
    "Buckets": ("total", "_newest", "_open_ms", "_closed", "_amounts"),
    "DisagreeRule": ("_difference",),
    "DriftRule": (
        "_is_begun",
        "_is_confirmed",
        "_margin",
        "_above",
        "_below",
        "_since_ms",
        "_mean",
    ),
    "Schedule": (
        "at_ms",
        "wall_ms",
        "asked_ms",
        "stepped_ms",
        "sample_ms",
        "beat_ms",
        "retry_ms",
        "kept_ms",
        "skew_ppm",
        "server_ms",
        "server_at_ms",
        "wakes",
        "awake_ms",
        "radio_ms",
        "bytes_up",
        "bytes_down",
    ),
}


class Writer:
    """Collects tokens in `data`; `table` says what objects remember."""

    def __init__(self, table=REMEMBERED) -> None:
        self.data = bytearray()
        self._table = table

    def put(self, value) -> None:
        """Add None, a number, or bytes, an array or a text as a string of bytes."""
        if value is None:
            self.data.append(0)
        elif isinstance(value, _NUMBERS):
            number = int(value)
            zigzag = number << 1 if number >= 0 else (-number << 1) - 1
            self._put_code((zigzag + 1) << 1)
        else:
            data = value.encode() if isinstance(value, str) else bytes(value)
            self._put_code(len(data) << 1 | 1)
            self.data.extend(data)

    def keep(self, thing) -> None:
        """Add what an object remembers, or each object of a list."""
        if isinstance(thing, list):
            for each in thing:
                self.keep(each)
            return
        for name in self._table.get(type(thing).__name__, ()):
            self._keep_value(getattr(thing, name))

    def _keep_value(self, value) -> None:
        if isinstance(value, tuple):
            self.put(len(value))
            for each in value:
                self.put(each)
        elif isinstance(value, dict):
            self.put(",".join(["%s=%d" % pair for pair in value.items()]))
        elif isinstance(value, _PLAIN):
            self.put(value)
        else:
            self.keep(value)

    def _put_code(self, code: int) -> None:
        while code > 0x7F:
            self.data.append(code & 0x7F | 0x80)
            code >>= 7
        self.data.append(code)


class Reader:
    """Takes the tokens of a Writer again; ValueError when they are not what was kept."""

    def __init__(self, data, table=REMEMBERED) -> None:
        self._data = data
        self._table = table
        self._at = 0

    @property
    def has_more(self) -> bool:
        """True until the last token was taken."""
        return self._at < len(self._data)

    def take(self) -> "int | bytes | None":
        """Return the next token."""
        code = shift = 0
        byte = 0x80
        while byte & 0x80:
            if self._at >= len(self._data):
                raise ValueError("a keepsake ends at byte %d" % self._at)
            byte = self._data[self._at]
            self._at += 1
            code |= (byte & 0x7F) << shift
            shift += 7
        if code == 0:
            return None
        if code & 1:
            return self._take_bytes(code >> 1)
        zigzag = (code >> 1) - 1
        return -(zigzag + 1 >> 1) if zigzag & 1 else zigzag >> 1

    def restore(self, thing) -> None:
        """Give an object what it remembered, or each object of a list."""
        if isinstance(thing, list):
            for each in thing:
                self.restore(each)
            return
        for name in self._table.get(type(thing).__name__, ()):
            self._restore_value(thing, name, getattr(thing, name))

    def _restore_value(self, thing, name: str, value) -> None:
        if isinstance(value, tuple):
            count = self.take() or 0
            setattr(thing, name, tuple([self.take() for _ in range(int(count))]))
        elif isinstance(value, dict):
            for pair in _text(self.take()).split(","):
                key, _, number = pair.partition("=")
                if key:
                    value[key] = int(number)
        elif isinstance(value, _ARRAYS):
            _fill(value, self.take())
        elif isinstance(value, _PLAIN):
            setattr(thing, name, self.take())
        else:
            self.restore(value)

    def _take_bytes(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise ValueError("a keepsake lacks %d bytes" % (end - len(self._data)))
        data = bytes(self._data[self._at : end])
        self._at = end
        return data


def key_of(product) -> bytes:
    """What a keepsake of this product begins with: another product cannot take it."""
    sensors = [(channel.id, channel.exp, channel.period_ms) for channel in product.channels]
    rows = (product.freeze_period_ms, product.freeze_samples)
    facts = "%r%r%r%r" % (_FORMAT, rows, sensors, [tuple(spec) for spec in product.faults])
    return crc32(facts.encode()).to_bytes(_KEY_BYTES, "little")


def pack(key: bytes, schedule, voice: bytes, sampler, room: int) -> bytes:
    """Return everything that a sleep must not lose, in at most `room` bytes.

    Where the ring of samples has no room it begins anew at the next wake, and then so do the
    windows of the rules. ValueError when not even the states have room.
    """
    for parts in ([sampler, sampler.rules, sampler.ring], [sampler, sampler.rules], [sampler]):
        out = Writer()
        out.put(len(parts))
        out.keep(schedule)
        out.put(voice)
        out.put(sampler.has_silence)
        if sampler.has_silence:
            out.keep(sampler.silence)
        for part in parts:
            out.keep(part)
        data = key + bytes(out.data)
        if len(data) + _TAIL_BYTES <= room:
            return data + crc32(data).to_bytes(_TAIL_BYTES, "little")
    raise ValueError(
        "the states of %d faults are %d bytes and the memory that stays has %d; "
        "declare fewer" % (len(sampler.rules), len(data) + _TAIL_BYTES, room)
    )


def open_pack(key: bytes, data: bytes) -> "Reader | None":
    """Return a reader of what was packed for this product, None when it is lost or damaged."""
    body = len(data) - _TAIL_BYTES
    if body <= _KEY_BYTES or bytes(data[:_KEY_BYTES]) != key:
        return None
    if crc32(data[:body]).to_bytes(_TAIL_BYTES, "little") != bytes(data[body:]):
        return None
    return Reader(memoryview(data)[_KEY_BYTES:body])


def unpack(reader: Reader, schedule, sampler) -> bytes:
    """Give schedule and sampler what they remembered; return the agent's own part."""
    count = int(reader.take() or 0)
    reader.restore(schedule)
    voice = reader.take() or b""
    if reader.take():
        reader.restore(sampler.silence)
    for part in [sampler, sampler.rules, sampler.ring][:count]:
        reader.restore(part)
    return bytes(voice)


def _fill(values, data) -> None:
    if isinstance(values, bytearray):
        if len(data) != len(values):
            raise ValueError("a keepsake of %d bytes for %d" % (len(data), len(values)))
        values[:] = data
        return
    kept = array("i", data)
    for index in range(len(values)):
        values[index] = kept[index]


def _text(token) -> str:
    return bytes(token or b"").decode()
