# cpython-only
"""The mutation fuzzer in the suite; `make fuzz` runs ten times as many."""

import subprocess
import sys


def test_a_hundred_thousand_mutations(project):
    """Whatever is done to messages and payloads, the outcome is a value or the wire error."""
    done = subprocess.run(
        [sys.executable, "tests/shared/fuzz.py", "--runs", "100000", "--seed", "7", "--quiet"],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "a value" in done.stdout
    assert "as signed" in done.stdout
    for reason in ("frame", "tag", "kid", "type", "length", "schema", "shortest", "key order/dup"):
        assert f"  {reason}\n" in done.stdout
