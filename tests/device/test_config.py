"""Settings: what is accepted, and that a refusal names the setting and the fix."""

from phonehome.core.config import Config
from phonehome.core.errors import ConfigError
from phonehome.core.identity import Identity
from phonehome.core.settings import parse_device, split_url
from phonehome_wire.pushed import SETTINGS

GOOD = {"server": "https://receiver.example:8443/desk", "ca": "ca.der"}


def refusal_of(function, *parts):
    """The text with which something is refused."""
    try:
        function(*parts)
    except ConfigError as error:
        return str(error)
    raise AssertionError(f"accepted: {parts}")


def refusal(settings):
    """The text of the refusal of some settings."""
    return refusal_of(Config, settings)


def changed(**changes):
    """Good settings with changes."""
    settings = dict(GOOD)
    settings.update(changes)
    return settings


def test_defaults():
    """A server and its CA are enough."""
    config = Config(GOOD)
    assert (config.is_mqtt, config.is_secure) == (False, True)
    assert (config.host, config.port, config.path) == ("receiver.example", 8443, "/desk")
    assert config.heartbeat_s == 300
    assert config.insecure is False


def test_the_agent_cannot_hide_itself():
    """A data folder in the root with the name of a module is refused: boards would import it."""
    for data in ("phonehome", "/phonehome", "/phonehome_wire/", "umqtt"):
        assert "'data'" in refusal(changed(data=data))
    for data in ("phonehome-data", "/var/lib/phonehome"):
        assert Config(changed(data=data)).data == data
    assert "-" in Config(GOOD).data


def test_addresses():
    """Each scheme has its transport and port."""
    assert split_url("https://h") == (False, True, "h", 443, "")
    assert split_url("mqtts://h") == (True, True, "h", 8883, "")
    assert split_url("mqtt://10.0.0.1:1884") == (True, False, "10.0.0.1", 1884, "")
    assert split_url("http://h:80/") == (False, False, "h", 80, "")


def test_bad_addresses_are_named():
    """What is no address is quoted together with what is wanted."""
    for url in ("ftp://h", "h:80", "https://", "https://:80", "https://h:0", "https://h:x"):
        text = refusal(changed(server=url))
        assert "'server'" in text and url in text


def test_nothing_travels_unprotected_by_accident():
    """Plain transport or no CA is refused unless a setting named insecure says otherwise."""
    for url in ("http://h", "mqtt://h"):
        assert '"insecure": true' in refusal(changed(server=url))
        assert Config(changed(server=url, insecure=True)).insecure
    assert '"insecure": true' in refusal({"server": "https://h"})
    assert '"insecure": true' in refusal({"server": "https://h", "insecure": 1})


def test_mistakes_are_named():
    """A wrong value, type or name is refused with the setting's name."""
    assert "'heartbeat_s'" in refusal(changed(heartbeat_s=0))
    assert "'heartbeat_s'" in refusal(changed(heartbeat_s="60"))
    assert "'heartbeat_s'" in refusal(changed(heartbeat_s=True))
    assert "'hearbeat_s'" in refusal(changed(hearbeat_s=60))
    assert "'key'" in refusal(changed(key=5))
    assert "'server'" in refusal({})
    assert "'wifi'" in refusal(changed(wifi={}))
    for codes in (5, [0], [256], ["1"], [True]):
        assert "'commands'" in refusal(changed(commands=codes))
    assert Config(changed(commands=[1, 200])).commands == [1, 200]


def test_pushed_settings_have_the_same_bounds():
    """What the receiver may push is what the file may say, from the least to the greatest."""
    for name, least, greatest in SETTINGS.values():
        if name == "log_severity":  # not in the file
            continue
        for value in (least, greatest):
            assert getattr(Config(changed(**{name: value})), name) == value
        for value in (least - 1, greatest + 1):
            assert repr(name) in refusal(changed(**{name: value}))


def test_device_ids():
    """A device id is 16 lower-case hex digits."""
    assert parse_device("a4cf12fffe05d3b1") == b"\xa4\xcf\x12\xff\xfe\x05\xd3\xb1"
    for text in ("", "A4CF12FFFE05D3B1", "a4cf12fffe05d3b", "a4cf12fffe05d3bg"):
        assert "'device'" in refusal_of(parse_device, text)


def test_key_files():
    """A key file is an epoch and 32 bytes; anything else is refused without being shown."""
    identity = Identity(bytes(8), bytes([1]) + bytes(32))
    assert identity.kid == bytes(8) + b"\x01"
    assert identity.up_key != identity.down_key
    assert Identity(bytes(8), b"").kid == b""
    for data in (bytes(32), bytes(34), bytes(33)):
        assert "'key'" in refusal_of(Identity, bytes(8), data)


def test_addresses_for_the_first_contact():
    """A key travels under TLS unless it is said so, and the time is asked for without it."""
    assert "'enroll'" in refusal(changed(enroll="http://desk.example"))
    assert "'enroll'" in refusal(changed(enroll="mqtts://desk.example"))
    assert "'time'" in refusal(changed(time="https://desk.example"))
    assert "'time'" in refusal(changed(time="http://desk.example:99999"))
    assert "'code'" in refusal(changed(code="123"))
    for bad in ("http://pool.example", "pool.example:", "pool.example:0", ":123", "a:b"):
        assert "'ntp'" in refusal(changed(ntp=bad))
    assert Config(changed(ntp="pool.example")).ntp == ("pool.example", 123)
    assert (Config(changed(ntp="10.0.0.1:1230")).ntp, Config(changed()).ntp) == (
        ("10.0.0.1", 1230),
        (),
    )
    Config(changed(enroll="https://desk.example", time="http://desk.example", code="1234"))
