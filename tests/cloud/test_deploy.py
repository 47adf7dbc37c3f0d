"""What runs the receiver elsewhere is true: unit, image and compose name what exists."""

import re
import shlex
import subprocess

import pytest
import yaml

from phonehome_cloud.config import load_config
from phonehome_cloud.settings import SETTINGS
from phonehome_tools.cli import build_parser

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


def test_the_image_copies_what_exists_and_runs_what_exists(deploy, project):
    """Each source of COPY, each variable, the command, and every package of the wheel."""
    text = (deploy / "Dockerfile").read_text().replace("\\\n", " ")
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ")]
    sources = [word for words in copied if not words[0].startswith("--") for word in words]
    assert [name for name in sources if not (project / name).exists()] == []
    packages = re.findall(r'^    "([\w/]+)",$', packages_of(project), re.MULTILINE)
    assert len(packages) >= 6
    assert [name for name in packages if name.split("/")[0] not in sources] == []
    variables = dict(re.findall(r"(PHONEHOME_\w+)=(\S+)", text))
    assert variables.keys() <= VARIABLES
    load_config(None, variables)
    assert takes(yaml.safe_load(re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)[1]))


def packages_of(project):
    """The part of pyproject.toml that lists what a wheel holds."""
    text = (project / "pyproject.toml").read_text()
    return re.search(r"^packages = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)[1]


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


def test_compose_names_only_what_is_declared(compose, deploy):
    """Services, secrets, volumes and files: a typo would show at the first `up`, on a bad day."""
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= services.keys()
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert ("image" in service) != ("build" in service)
        named = [volume.split(":")[0] for volume in service.get("volumes", ())]
        assert {name for name in named if not name.startswith(".")} <= compose["volumes"].keys()
        for setting in service.get("environment", {}).values():
            secret = re.fullmatch(r"/run/secrets/(\w+)", str(setting))
            assert secret is None or secret[1] in service["secrets"]
    build = services["receiver-1"]["build"]
    context = (deploy / build["context"]).resolve()
    assert (context / build["dockerfile"]).is_file()
    assert (context / "pyproject.toml").is_file()
    assert set(compose) <= {"name", "services", "secrets", "volumes", "x-receiver"}


def test_the_settings_for_compose_are_taken(compose, deploy):
    """The example reads, and its hosts are services."""
    config = load_config(deploy / "receiver.toml", {})
    assert config.mqtt.share
    for url in (config.store.url, config.mqtt.url):
        host = re.search(r"@(\w+)", url)[1]
        assert host in compose["services"]
