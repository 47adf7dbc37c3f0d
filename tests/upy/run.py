"""Run the test_* functions of test files under MicroPython: run.py FILE [FILE ...].

Prints one line a failure and a closing line `N passed, M failed`; exits 1 on a failure or when a
file has no test at all, because a run of nothing must not look like a success.
"""

import gc
import sys

# As often as on a board (phonehome/__init__.py): by itself a heap of this size tears apart.
COLLECT_EVERY_BYTES = 16384


def run_file(path: str) -> tuple:
    """(passed, failed) of one file; a file without tests counts as one failure."""
    names = {"__name__": "tested", "__file__": path}
    with open(path) as source:
        exec(compile(source.read(), path, "exec"), names)
    passed = failed = 0
    for name in sorted(n for n in names if n.startswith("test_")):
        gc.collect()  # what a test before has left is not this one's heap
        try:
            names[name]()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED", path, name)
            sys.print_exception(error)
    if passed + failed == 0:
        print("FAILED", path, "has no test")
        failed = 1
    return passed, failed


def main(paths: list) -> int:
    """Run every file and report; the exit code of the process."""
    gc.threshold(COLLECT_EVERY_BYTES)
    passed = failed = 0
    for path in paths:
        good, bad = run_file(path)
        passed += good
        failed += bad
    print(passed, "passed,", failed, "failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
