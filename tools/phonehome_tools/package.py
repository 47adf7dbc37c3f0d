"""`phonehome package`: make the packages that mip installs, check that a board loads them."""

import argparse
import json
import sys
from pathlib import Path

from phonehome_tools.cable.errors import CableError, complain
from phonehome_tools.fleet.errors import SetupError
from phonehome_tools.packaging.firmware import read_firmware
from phonehome_tools.packaging.index import SOURCES, packages, write_index

GOOD, FAILED, REFUSED = 0, 1, 3  # the exit codes of the command
KIB = 1024
EPILOG = """
build writes an index for `mpremote mip install --index DIR phonehome-mqtt`; it prints the parts,
and phonehome-all stands for all of them. What each is for: tools/README.md.
check reads the .mpy version of a board's firmware and says whether the index has it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two steps: build -o DIR, and check DIR PORT."""
    parser.epilog = EPILOG
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    build = steps.add_parser("build", help="Write an index folder.")
    build.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="where to")
    build.add_argument(
        "--mpy", type=int, default=6, metavar="N", help="version of .mpy (default: 6, since 1.19)"
    )
    check = steps.add_parser("check", help="Say whether a board loads what is in an index.")
    check.add_argument("index", type=Path, metavar="DIR", help="a folder that build wrote")
    check.add_argument("port", metavar="PORT", help="the board, as mpremote names it")


def run(args: argparse.Namespace) -> int:
    """Run the chosen step: 0 good, 1 it cannot be done, 3 the board cannot load the index."""
    try:
        return _build(args.output, args.mpy) if args.step == "build" else _check(args)
    except SetupError as error:
        print(error, file=sys.stderr)
        return FAILED
    except CableError as error:
        return complain("package", error)


def _build(folder: Path, mpy: int) -> int:
    compiled = packages(str(mpy))
    write_index(folder, {str(mpy): compiled, SOURCES: packages(SOURCES)})
    for package in compiled:
        needs = f", needs {', '.join(package.needs)}" if package.needs else ""
        print(f"{package.name}: {package.size / KIB:.1f} KB in {len(package.files)} files{needs}")
    print(f"mpremote mip install --index {folder} phonehome-all")
    return GOOD


def _check(args: argparse.Namespace) -> int:
    firmware = read_firmware(args.port)
    have = sorted(path.name for path in (args.index / "package").glob("*"))
    if str(firmware.mpy) in have:
        release = json.loads(
            (args.index / "package" / str(firmware.mpy) / "phonehome/latest.json").read_text()
        )["version"]
        print(f"{firmware.name}: loads .mpy version {firmware.mpy}: good for phonehome {release}")
        return GOOD
    print(
        f"{firmware.name}: loads .mpy version {firmware.mpy or 'none'}, the index has "
        f"{', '.join(have) or 'nothing'}; build it with the mpy-cross of that firmware and "
        f"--mpy {firmware.mpy}, or update the firmware",
        file=sys.stderr,
    )
    return REFUSED
