"""What a broker may send: whole packets of MQTT that umqtt.simple reads without harm."""

from phonehome_wire.compat import const

_CONNACK = const(0x20)
_PUBLISH = const(0x30)
_PUBACK = const(0x40)
_SUBACK = const(0x90)
_LENGTHS = {_CONNACK: 2, _PUBACK: 2, _SUBACK: 3, 0xD0: 0}  # what follows the head, PINGRESP last
_LENGTH_BYTES = const(3)
_HARMFUL = const(-1)


def count_lacking(packet: bytes, max_bytes: int) -> int:
    """How many bytes a packet lacks whose first two are there: 0 when it is whole.

    It is asked again with so many more, because a length has one to three bytes. -1 for a packet
    that is longer than `max_bytes` behind its length, or that is harmful.
    """
    at, size, shift = 1, 0, 0
    while True:
        if at == len(packet):
            return 1
        size |= (packet[at] & 0x7F) << shift
        if not packet[at] & 0x80:
            break
        if at == _LENGTH_BYTES:
            return _HARMFUL
        shift += 7
        at += 1
    body = packet[at + 1 :]
    if size > max_bytes:
        return _HARMFUL
    if len(body) < size:
        return size - len(body)
    return 0 if is_harmless(packet[0], body) else _HARMFUL


def is_harmless(first: int, body: bytes) -> bool:
    """True for a packet whose lengths agree and that this client can be sent: nothing of QoS 2."""
    if first & 0xF0 != _PUBLISH:
        return _LENGTHS.get(first, -1) == len(body)
    qos = first >> 1 & 3
    if qos > 1 or len(body) < 2:
        return False
    return 2 + (body[0] << 8 | body[1]) + 2 * qos <= len(body)
