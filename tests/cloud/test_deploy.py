"""What runs the receiver elsewhere is true: unit, image and compose name what exists."""

import json
import re
import shlex
import subprocess
import tomllib
from urllib.parse import urlsplit

import pytest
import yaml

# compose-spec: a parser of the specification that needs no Docker.
from compose_spec import PyCompose

from phonehome_cloud.config import load_config
from phonehome_cloud.settings import SETTINGS
from phonehome_tools.cli import build_parser, main

VARIABLES = {setting.environment() for setting in SETTINGS}
EXPOSURE_MAX = 1.5  # of 10; a unit without any hardening has 9.6


@pytest.fixture(scope="module")
def deploy(project):
    """The folder with these files."""
    return project / "cloud/deploy"


@pytest.fixture(scope="module")
def compose(deploy):
    """The compose file, with what its services have in common merged in."""
    return yaml.safe_load((deploy / "compose.yaml").read_text())


def takes(words):
    """Whether the `phonehome` command takes these words."""
    verb = words[0]
    return build_parser(verb).parse_args(words).verb == verb


def test_the_unit_is_one_that_systemd_takes(deploy, tmp_path):
    """Every directive is known and every value fits; only the program is another one here."""
    text = (deploy / "phonehome.service").read_text()
    unit = tmp_path / "phonehome.service"
    unit.write_text(text.replace("/opt/phonehome/bin/phonehome", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_of_the_unit_can_fail(deploy, tmp_path):
    """A directive that systemd does not know is told."""
    unit = tmp_path / "phonehome.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nProtectSistem=strict\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert "ProtectSistem" in done.stderr


def test_the_unit_is_confined(deploy):
    """Systemd's own review gives it an exposure level of at most EXPOSURE_MAX."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(deploy / "phonehome.service")],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert float(found[1]) <= EXPOSURE_MAX


def test_the_unit_starts_a_command_with_settings_that_exist(deploy):
    """Its words are those of the command, its variables those of the settings."""
    text = (deploy / "phonehome.service").read_text()
    program, *words = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1])
    assert program.endswith("/phonehome")
    assert takes(words)
    given = dict(
        pair.split("=", 1) for pair in re.findall(r"^Environment=(.*)$", text, re.MULTILINE)
    )
    assert given.keys() <= VARIABLES
    load_config(None, given)


def test_compose_has_two_receivers_that_share_everything(compose):
    """One configuration, one master key, one database; different ports and names at the broker."""
    receivers = [dict(s) for n, s in compose["services"].items() if n.startswith("receiver-")]
    assert len(receivers) == 2
    ports = [service.pop("ports") for service in receivers]
    given = [service.pop("environment") for service in receivers]
    assert ports[0] != ports[1]
    assert receivers[0] == receivers[1]
    assert takes(receivers[0]["command"])
    names = [load_config(None, variables).mqtt.client_id for variables in given]
    assert names[0] != names[1]
    assert {*given[0], *given[1]} <= VARIABLES


def wrong(document):
    """What the specification says against a compose file; "" when it takes it."""
    try:
        PyCompose.from_json(json.dumps(document)).validate()
    except ValueError as error:
        return str(error)
    return ""


def test_the_compose_file_is_one_that_compose_takes(compose):
    """Every key, unit, port and condition, by an implementation of the specification."""
    assert wrong(compose) == ""


@pytest.mark.parametrize(
    ("service", "change", "word"),
    [
        ("postgresql", {"helthcheck": {}}, "helthcheck"),
        ("postgresql", {"healthcheck": {"test": ["CMD", "x"], "interval": "2x"}}, "duration"),
        ("mosquitto", {"ports": ["88830:8883"]}, "88830"),
        ("receiver-1", {"restart": "sometimes"}, "sometimes"),
        ("receiver-1", {"depends_on": {"postgresql": {"condition": "well"}}}, "well"),
        ("receiver-1", {"secrets": ["nobody"]}, "nobody"),
    ],
)
def test_the_check_of_the_compose_file_can_fail(compose, service, change, word):
    """What is mistyped is named."""
    services = compose["services"] | {service: compose["services"][service] | change}
    assert word in wrong(compose | {"services": services})


def test_the_broker_of_compose_is_the_one_that_is_configured(compose, deploy, tmp_path):
    """`phonehome broker config`, as the README says it, names only files that are mounted where
    they were, and listens where devices and receivers come.
    """
    service = compose["services"]["mosquitto"]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    for name in ("devices", "chain.pem", "key.pem"):
        (tmp_path / name).write_text("a4cf12fffe05d3b1\n")
    words = re.search(r"`phonehome (broker config[^`]*--receivers [^`]*)`", readme(deploy))[1]
    words = [*words.replace("/etc/phonehome/broker", str(tmp_path)).split(), "--devices"]
    assert main([*words, str(tmp_path / "devices")]) == 0
    made = (
        (tmp_path / "mosquitto.conf").read_text().replace(str(tmp_path), "/etc/phonehome/broker")
    )
    paths = re.findall(r"^\w+ (/\S+)$", made, re.MULTILINE)
    assert len(paths) >= 7
    inside = [target for source, target in mounts.items() if source in (target, "mosquitto")]
    assert [path for path in paths if not path.startswith(tuple(inside))] == []
    assert service["command"][-1] == "/etc/phonehome/broker/mosquitto.conf"
    listeners = re.findall(r"^listener (\d+)", made, re.MULTILINE)
    outside = [port.rpartition(":")[2] for port in service["ports"]]
    given, drawn = (
        urlsplit(tomllib.loads((folder / "receiver.toml").read_text())["mqtt"]["url"])
        for folder in (deploy, tmp_path)
    )
    assert listeners == [*outside, str(given.port)]
    assert (given.scheme, given.username) == (drawn.scheme, drawn.username)


def readme(deploy):
    """What tells people how to run it, in one line."""
    return " ".join((deploy.parent / "README.md").read_text().split())


def test_compose_names_only_what_is_declared(compose, deploy):
    """Services, secrets, volumes and files: a typo would show at the first `up`, on a bad day."""
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert ("image" in service) != ("build" in service)
        named = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert {name for name in named if not name.startswith("/")} <= compose["volumes"].keys()
        for setting in service.get("environment", {}).values():
            secret = re.fullmatch(r"/run/secrets/(\w+)", str(setting))
            assert secret is None or secret[1] in service["secrets"]
    build = services["receiver-1"]["build"]
    context = (deploy / build["context"]).resolve()
    assert (context / build["dockerfile"]).is_file()
    assert (context / "pyproject.toml").is_file()
    assert set(compose) == {"name", "services", "secrets", "networks", "volumes", "x-receiver"}


def test_the_settings_for_compose_are_taken(compose, deploy):
    """The example reads, and its hosts are services, by their names or by others they have."""
    services = compose["services"]
    names = {*services, *services["mosquitto"]["networks"]["default"]["aliases"]}
    config = load_config(deploy / "receiver.toml", {})
    assert config.mqtt.share
    for url in (config.store.url, config.mqtt.url):
        assert urlsplit(url).hostname in names
