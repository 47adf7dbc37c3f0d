"""The `phonehome` command: a table of verbs, each a module with add_arguments() and run().

Exit codes: 0 good, 1 failed, 2 usage, 3 refused (bytes, file or answer that must not be accepted),
4 no board at the port.
argparse is enough here: verbs are flat, and the standard library never breaks a bench.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

VERBS = {
    "demo": "Run a virtual washer and fridge against a receiver and tell the story.",
    "serve": "Run the receiver.",
    "admin": "Look after a receiver: devices, quarantine, dead letters, the path of a report.",
    "people": "Import owners, appliances, technicians and parts; export and erase a person.",
    "backup": "Write the receiver's whole store to a new file.",
    "restore": "Fill an empty store of a receiver from a backup.",
    "archive": "Move old raw messages of the receiver into Parquet files, and back.",
    "sim": "Run virtual appliances on unix MicroPython.",
    "product": "Check a product file, or build the half that a board loads.",
    "doctor": "Say what boards have, what is wrong, and what to do about it.",
    "push": "Put the agent, a product and an application on boards.",
    "provision": "Give boards their keys, and make the receiver know them.",
    "enroll-batch": "Make a claim for boards that get their keys in the field.",
    "run": "Run a program of this computer on a board.",
    "logs": "Show what boards print.",
    "reset": "Start boards again.",
    "package": "Make the packages that mip installs on boards.",
    "console": "Talk to the console of a board.",
    "pin": "Make the setting that guards commands of the console.",
    "broker": "Make the files of an MQTT broker that knows every device.",
    "diagnose": "Show how tickets were diagnosed, and what another product file would change.",
    "decode": "Read one PH/1 message and print it as JSON.",
    "pull": "Take what waits in devices over the serial line, and bring them the answer.",
    "push-reports": "Upload what this laptop carries to the receiver.",
    "capacity": "What a fleet needs, by the figures of bench; a simulated day with a power cut.",
    "simulate-service": "A year of faults through diagnosis and decision, beside simple policies.",
    "bench": "Measure, and print the figures beside their goals.",
}


def build_parser(verb: str | None) -> argparse.ArgumentParser:
    """The parser with every verb named; only the chosen verb's module is imported."""
    parser = argparse.ArgumentParser(
        prog="phonehome", description="Appliances that make their own service calls."
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, text in VERBS.items():
        sub = verbs.add_parser(name, help=text, description=text)
        if name == verb:
            module = importlib.import_module(f"phonehome_tools.{name.replace('-', '_')}")
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code; Ctrl-C is 130, as shells expect."""
    words = list(sys.argv[1:] if argv is None else argv)
    verb = next((word for word in words if word in VERBS), None)
    args = build_parser(verb).parse_args(words)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
