"""Run under MicroPython only, by test_agent_mqtt: our subclass closes umqtt.simple's traps."""

import sys

import umqtt.simple

from phonehome.core.errors import LinkError

INSTALLED = umqtt.simple.MQTTClient


class Newer(INSTALLED):
    """The signatures of 1.8, which boards install: no ssl_params, and connect takes a timeout."""

    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        INSTALLED.__init__(self, client_id, server, port, user, password, keepalive, ssl)
        del self.ssl_params

    def connect(self, clean_session=True, timeout=None):
        raise AssertionError("the inherited connect opens a socket and waits")


def make_client(base=INSTALLED):
    """A client on top of a release of umqtt, and what its callback heard."""
    umqtt.simple.MQTTClient = base
    sys.modules.pop("phonehome.ports.packets", None)
    from phonehome.ports.packets import Client

    heard = []
    client = Client("dev", None, None, 60)
    client.set_callback(lambda topic, message: heard.append((topic, message)))
    client.set_last_will("t", b"gone", True, 1)
    return client, heard


def check_client(base):
    """Every word that the link says or hears."""
    client, heard = make_client(base)
    client.connect()
    connect = client.sock.take()
    assert connect == b"\x10\x18\x00\x04MQTT\x04\x2e\x00\x3c\x00\x03dev\x00\x01t\x00\x04gone"
    assert client.publish("a/b", memoryview(b"hello"), False, 1) == 1
    assert client.sock.take() == b"\x32\x0c\x00\x03a/b\x00\x01hello"
    client.subscribe("a/b", 1)
    assert client.sock.take() == b"\x82\x08\x00\x02\x00\x03a/b\x01"
    assert client.hear(b"\x32\x08\x00\x03a/b\x00\x09x") == 0x30
    assert heard == [(b"a/b", b"x")]
    assert client.sock.take() == b"\x40\x02\x00\x09"
    assert client.hear(b"\x30\x05\x00\x03a/b") == 0x30
    assert heard[1] == (b"a/b", b"")
    assert client.hear(b"\xd0\x00") == 0xD0
    client.ping()
    assert client.sock.take() == b"\xc0\x00"


def test_words_of_the_installed_umqtt():
    """Each call writes one whole packet and waits for nothing, with the installed release."""
    check_client(INSTALLED)


def test_words_of_the_newer_umqtt():
    """The same holds with the signatures of the release that boards install."""
    check_client(Newer)


def test_packet_ids_wrap():
    """After 65535 publishes the ids start again at 1; 0 is never sent."""
    client, _ = make_client()
    client.pid = 65533
    ids = [client.publish("t", b"", False, 1) for _ in range(4)]
    assert ids == [65534, 1, 2, 3]


def test_long_topics_are_refused():
    """A topic whose subscription umqtt would write wrongly is refused."""
    client, _ = make_client()
    try:
        client.subscribe("t" * 120)
    except LinkError:
        return
    raise AssertionError("written")


def test_harmful_packets_are_known():
    """QoS 2, lengths that lie and types that no client is sent are not let through to umqtt."""
    from phonehome.ports.framing import is_harmless

    assert is_harmless(0x30, b"\x00\x01tm")
    assert is_harmless(0x32, b"\x00\x01t\x00\x01")
    assert is_harmless(0x40, b"\x00\x01") and is_harmless(0x90, b"\x00\x01\x01")
    assert is_harmless(0xD0, b"") and is_harmless(0x20, b"\x00\x00")
    for first, body in (
        (0x34, b"\x00\x01t\x00\x01m"),
        (0x36, b"\x00\x01t\x00\x01m"),
        (0x30, b""),
        (0x30, b"\x00"),
        (0x30, b"\x00\x05t"),
        (0x32, b"\x00\x01t"),
        (0x40, b"\x00"),
        (0x40, b"\x00\x01\x02"),
        (0x90, b""),
        (0xD0, b"x"),
        (0x10, b""),
        (0x50, b"\x00\x01"),
        (0x00, b""),
        (0xF0, b""),
    ):
        assert not is_harmless(first, body), (first, body)
