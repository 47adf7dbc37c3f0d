# cpython-only
"""What runs for every sample leaves the heap alone, the interpreter's own frames included."""

import re
import subprocess

CORE = "device/phonehome/core"
# Beyond eleven words of locals, stack and exception blocks MicroPython puts a frame on the heap.
MOST_WORDS = 11
EXCEPTION_WORDS = 3
# What does not run for every sample: the start, transitions, commands, and failing tests.
SELDOM = {
    "<listcomp>",
    "_lets_pass",
    "tell",
    "_weigh",
    "clear",
    "restore",
    "evidence",
    "__init__",
}
FRAME = re.compile(r"code block '([^']+)'.*?\(N_STATE (\d+)\)\s*\(N_EXC_STACK (\d+)\)", re.DOTALL)
FILES = ("sampler", "channel", "faults", "debounce", "gates", "freeze")
RULES = ("range", "rate", "stuck", "missing", "buckets", "noise", "disagree", "count", "drift")


def test_frames_of_daily_life_are_small(micropython, project):
    """No function that is called for a sample or a verdict needs its frame from the heap."""
    large = []
    for name in (*FILES, *(f"rules/{rule}" for rule in RULES)):
        command = [micropython, "-v", "-v", "-X", "compile-only", f"{CORE}/{name}.py"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
        frames = FRAME.findall(done.stdout)
        assert frames
        for function, state, blocks in frames:
            words = int(state) + EXCEPTION_WORDS * int(blocks)
            if words > MOST_WORDS and function not in SELDOM:
                large.append(f"{name}.{function}: {words}")
    assert large == []
