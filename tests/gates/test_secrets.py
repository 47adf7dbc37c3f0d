"""What no repository holds."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECRET = ("*.key", "*.pem", "*.p12", "*.env")


def test_no_key_is_committed():
    """A key that a command made here stays here: none is among the files of the project."""
    listed = ["git", "-C", ROOT, "ls-files", "--", *SECRET]
    assert subprocess.run(listed, check=True, capture_output=True, text=True).stdout == ""
