"""What the pages say is true: their commands run, their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("[a-z]*/README.md")]
)
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r"^```python\n# (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# A make target is proven by the gate that calls it; here it must exist and its recipe must expand.
PRELUDE = f"""
set -euo pipefail
cd "$SANDBOX"
export PATH="{Path(sys.executable).parent}:$PATH"
make() {{ command make -n -C "{ROOT}" "$@" >/dev/null; }}
end() {{ for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done; wait; }}
trap end EXIT
"""


def console_blocks() -> list[tuple[str, str]]:
    """(page, commands) of each block of commands, in the order of the pages."""
    blocks = []
    for page in PAGES:
        for text in CONSOLE.findall((ROOT / page).read_text()):
            commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
            blocks.append((page, "\n".join(commands)))
    return blocks


@pytest.mark.parametrize(("page", "commands"), console_blocks())
def test_commands_run(page, commands, tmp_path):
    """Every command in a console block of a page exits 0, in a folder with the products."""
    (tmp_path / "shared").symlink_to(ROOT / "shared")
    done = subprocess.run(
        ["bash", "-c", PRELUDE + commands],
        env={**os.environ, "SANDBOX": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{page}:\n{commands}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES)
def test_shown_code_is_the_code(page):
    """A block of Python on a page that names its file shows that file, less its docstring."""
    for name, text in SOURCE.findall((ROOT / page).read_text()):
        assert text.strip() in (ROOT / name).read_text()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file of the project."""
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text())
    missing = [link for link in links if not (ROOT / page).parent.joinpath(link).exists()]
    assert missing == []


def test_every_verb_and_target_is_documented():
    """Each verb of the command and each make target is named on a page."""
    from phonehome_tools.cli import VERBS

    text = "".join((ROOT / page).read_text() for page in PAGES)
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [verb for verb in VERBS if f"phonehome {verb}" not in text] == []
    assert [target for target in targets if f"make {target}" not in text] == []


def test_every_device_setting_is_documented():
    """Each setting of phonehome.json has its place in the table of the device's page."""
    from phonehome.core.settings import KNOWN

    page = (ROOT / "device/README.md").read_text()
    table = page[page.index("## phonehome.json") : page.index("## How it is built")]
    assert [key for key in KNOWN if f"`{key}`" not in table] == []
