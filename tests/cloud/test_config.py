"""Settings are read once, checked whole, and never printed."""

from pathlib import Path

import pytest

from phonehome_cloud.config import load_config
from phonehome_cloud.errors import ConfigError
from phonehome_cloud.settings import SETTINGS

MASTER = "ab" * 32


def written(tmp_path, text):
    """A settings file with this text."""
    path = tmp_path / "receiver.toml"
    path.write_text(text)
    return path


def test_everything_has_a_default():
    """Without a file and environment the receiver starts on SQLite and loopback."""
    config = load_config(None, {})
    assert config.server.host == "127.0.0.1"
    assert config.store.url.startswith("sqlite:///")
    assert (config.keys.master, config.api.token) == (None, None)


def test_a_file_is_read_section_by_section(tmp_path):
    """Every kind of value arrives with its type."""
    path = written(
        tmp_path,
        "[server]\nport = 0\n[mqtt]\nembedded = true\n[intake]\nkey_per_s = 2.5\n"
        f'[keys]\nmaster = "{MASTER}"\n[tickets]\nreopen_window_s = 60\n',
    )
    config = load_config(path, {})
    assert (config.server.port, config.mqtt.embedded, config.intake.key_per_s) == (0, True, 2.5)
    assert config.keys.master.reveal() == MASTER
    assert config.tickets.reopen_window_s == 60


def test_the_environment_wins(tmp_path):
    """Each setting has a variable; the two secrets have short names."""
    path = written(tmp_path, "[server]\nport = 1\n")
    config = load_config(
        path,
        {
            "PHONEHOME_SERVER_PORT": "2",
            "PHONEHOME_MQTT_EMBEDDED": "true",
            "PHONEHOME_MASTER_KEY": MASTER,
            "PHONEHOME_API_TOKEN": "a-token-of-the-desk",
            "PATH": "/bin",
        },
    )
    assert (config.server.port, config.mqtt.embedded) == (2, True)
    assert config.keys.master.reveal() == MASTER
    assert config.api.token.reveal() == "a-token-of-the-desk"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nport = 70000", "server.port = 70000: want a port"),
        ('[server]\nport = "x"', "server.port = 'x': want a port"),
        ("[server]\nport = true", "server.port = True: want a port"),
        ("[server]\nhost = 5", "server.host = 5: want a host name"),
        ('[store]\nurl = ""', "store.url = '': want a database URL"),
        ('[store]\nurl = "phonehome.db"', "store.url = 'phonehome.db': want a database URL"),
        ('[mqtt]\nembedded = "maybe"', "mqtt.embedded = 'maybe': want true or false"),
        ("[intake]\nkey_per_s = 0", "intake.key_per_s = 0: want a number above 0"),
        ("[intake]\nkey_per_s = nan", "intake.key_per_s = nan: want a number above 0"),
        ("[intake]\nqueue = 1.5", "intake.queue = 1.5: want a whole number"),
        ("[server]\nprot = 1", "server.prot: no such setting; use one of server.host"),
        ("[sever]\nport = 1", "sever.port: no such setting; use one of api.token"),
        ("port = 1", "port: no such setting"),
    ],
)
def test_a_wrong_value_stops_the_start(tmp_path, text, problem):
    """The error names the key, the value and what to write instead."""
    with pytest.raises(ConfigError) as error:
        load_config(written(tmp_path, text), {})
    assert problem in str(error.value)


def test_all_problems_are_told_at_once(tmp_path):
    """Nobody has to fix a file line by line."""
    path = written(tmp_path, "[server]\nport = -1\nprot = 1\n")
    with pytest.raises(ConfigError) as error:
        load_config(path, {"PHONEHOME_INTAKE_QUEUE": "none"})
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PHONEHOME_STORE_URI", "PHONEHOME_STORE_URL"),
        ("PHONEHOME_STOR_URL", "PHONEHOME_STORE_URL"),
        ("PHONEHOME_KEYS_MASTER", "PHONEHOME_MASTER_KEY"),
        ("PHONEHOME_MASTERKEY", "PHONEHOME_MASTER_KEY"),
    ],
)
def test_a_misspelt_variable_stops_the_start(name, meant):
    """Ignored, it would start a receiver on another database than its operator means; the value
    is not shown.
    """
    with pytest.raises(ConfigError, match=rf"{name}: no such setting; .*\b{meant}\b") as error:
        load_config(None, {name: "postgresql://anna:secret@db/phonehome"})
    assert "secret" not in str(error.value)


def test_variables_of_the_tools_are_left_alone():
    """They share the prefix and the shell."""
    names = ("PORTS", "UPLOAD_URL", "WIFI_PASSWORD", "CUTS", "CHROMIUM", "PICO_NIC", "SERVER")
    assert load_config(None, {f"PHONEHOME_{name}": "x" for name in names})


@pytest.mark.parametrize("key", ["12", "zz" * 32, "ab" * 31])
def test_a_wrong_secret_is_refused_and_not_shown(key):
    """A mistyped master key must not end in a log."""
    with pytest.raises(ConfigError, match=r"keys.master = its value \(not shown\)") as error:
        load_config(None, {"PHONEHOME_MASTER_KEY": key})
    assert key not in str(error.value)


def test_secrets_are_not_in_any_repr():
    """A configuration that is logged by mistake tells nothing."""
    config = load_config(
        None, {"PHONEHOME_MASTER_KEY": MASTER, "PHONEHOME_API_TOKEN": "a-token-of-the-desk"}
    )
    for text in (repr(config), str(config), f"{config.keys.master}"):
        assert MASTER not in text
        assert "a-token" not in text


@pytest.mark.parametrize("content", [b"[server", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    """So is a file that is not there."""
    path = tmp_path / "receiver.toml"
    path.write_bytes(content)
    for bad in (path, Path(tmp_path / "missing.toml")):
        with pytest.raises(ConfigError, match=bad.name):
            load_config(bad, {})


def test_every_setting_is_described_and_unique():
    """Each has a text, a wish and a variable of its own."""
    assert all(setting.text and setting.wants for setting in SETTINGS)
    assert len({setting.environment() for setting in SETTINGS}) == len(SETTINGS)
