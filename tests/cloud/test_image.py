"""The image's recipe is true: it copies, installs, sets and runs what exists."""

import ast
import re
import shlex
import tomllib
from pathlib import PurePosixPath
from urllib.parse import urlsplit

# dockerfile: the parser of Docker's own builder, which needs no Docker.
import dockerfile
import pytest
from sqlalchemy.engine import make_url

from phonehome_cloud.config import load_config
from phonehome_cloud.settings import SETTINGS
from phonehome_tools.cli import build_parser

VARIABLES = {setting.environment() for setting in SETTINGS}
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE"}
INSTRUCTIONS |= {"HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"}


@pytest.fixture(scope="module")
def steps(project):
    """The instructions, as Docker reads them."""
    return dockerfile.parse_file(str(project / "cloud/deploy/Dockerfile"))


@pytest.fixture(scope="module")
def about(project):
    """pyproject.toml."""
    return tomllib.loads((project / "pyproject.toml").read_text())


def values(steps, name):
    """What each instruction of a name says."""
    return [step.value for step in steps if step.cmd == name]


def copied(steps):
    """Whatever comes from the project."""
    return [word for step in steps if step.cmd == "COPY" and not step.flags
            for word in step.value[:-1]]  # fmt: skip


def test_docker_knows_every_instruction(steps):
    """Its parser passes on any word; lists are JSON, without which a shell would be between."""
    assert {step.cmd for step in steps} <= INSTRUCTIONS
    assert all(step.json for step in steps if step.cmd in {"CMD", "ENTRYPOINT", "HEALTHCHECK"})
    assert {step.cmd for step in dockerfile.parse_string("FROM x\nRUNN y\n")} - INSTRUCTIONS


def test_what_is_copied_exists_and_is_all_that_a_wheel_needs(steps, about, project):
    """Each source of COPY, every package of the wheel, and what pyproject.toml names."""
    sources = copied(steps)
    assert [name for name in sources if not (project / name).exists()] == []
    packages = about["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert len(packages) >= 6
    needed = [*packages, about["project"]["readme"], about["project"]["license"]["file"]]
    needed += about["tool"]["hatch"]["build"]["dev-mode-dirs"]
    assert [name for name in needed if name.split("/")[0] not in sources] == []
    stages = {value[2] for value in values(steps, "FROM") if len(value) > 2}
    flags = [flag for step in steps if step.cmd == "COPY" for flag in step.flags]
    assert {flag.removeprefix("--from=") for flag in flags} == stages


def test_what_is_installed_exists(steps, about):
    """The extras are declared, the constraints copied, and the interpreter is new enough; what
    operators of the image run (`archive`) can be imported there.
    """
    (words,) = [shlex.split(v[0]) for v in values(steps, "RUN") if "pip install" in v[0]]
    extras = re.fullmatch(r"\.\[([\w,]+)\]", words[-1])[1].split(",")
    assert set(extras) <= about["project"]["optional-dependencies"].keys()
    assert "archive" in extras
    assert words[words.index("-c") + 1] in copied(steps)
    needs = re.fullmatch(r">=3\.(\d+)", about["project"]["requires-python"])[1]
    for value in values(steps, "FROM"):
        assert int(re.fullmatch(r"python:3\.(\d+)-slim", value[0])[1]) >= int(needs)
    assert len({value[0] for value in values(steps, "FROM")}) == 1


def test_what_is_set_and_run_exists(steps):
    """Variables are settings, the command a verb of the program; the database is on the volume, in
    the home of the user who runs it; the check of health asks the port that is exposed.
    """
    ((*pairs,),) = values(steps, "ENV")
    given = {n: v for n, v in zip(pairs[::2], pairs[1::2], strict=True) if n != "PATH"}
    assert given.keys() <= VARIABLES
    config = load_config(None, given)
    (program,), (words,) = values(steps, "ENTRYPOINT")[0], [values(steps, "CMD")[0]]
    assert (program, build_parser(words[0]).parse_args(words).verb) == ("phonehome", "serve")
    ((volume,),), ((user,),) = values(steps, "VOLUME"), values(steps, "USER")
    assert PurePosixPath(make_url(config.store.url).database).parent == PurePosixPath(volume)
    (adding,) = [shlex.split(v[0]) for v in values(steps, "RUN") if v[0].startswith("useradd")]
    assert (adding[-1], adding[adding.index("--home-dir") + 1]) == (user, volume)
    ((_, interpreter, _, code),) = values(steps, "HEALTHCHECK")
    url = next(n.value for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Constant)
               and str(n.value).startswith("http"))  # fmt: skip
    ((port,),) = values(steps, "EXPOSE")
    assert (interpreter, urlsplit(url).path) == ("python", "/healthz")
    assert int(port) == urlsplit(url).port == config.server.port
