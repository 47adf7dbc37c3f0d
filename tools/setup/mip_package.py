"""Write device/package.json, the list of files that mip installs on a board.

python tools/setup/mip_package.py
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The wire's host side: what people read, what only a receiver decodes, what CPython does faster.
HOST_ONLY = {
    "begun.py",
    "bodies.py",
    "downlink.py",
    "exported.py",
    "names.py",
    "native.py",
    "record.py",
    "report.py",
    "usual.py",
}


def package() -> dict[str, object]:
    """The package as mip reads it: installed name and source of every file, from device/."""
    device = ROOT / "device"
    agent = [str(file.relative_to(device)) for file in sorted(device.glob("phonehome/**/*.py"))]
    shared = [file.name for file in sorted(ROOT.glob("shared/phonehome_wire/*.py"))]
    wire = [name for name in shared if name not in HOST_ONLY]
    urls = [[name, name] for name in agent]
    urls += [[f"phonehome_wire/{name}", f"../shared/phonehome_wire/{name}"] for name in wire]
    return {"version": "0.1.0", "urls": urls, "deps": [["umqtt.simple", "latest"]]}


def main() -> int:
    """Write the file."""
    (ROOT / "device/package.json").write_text(json.dumps(package(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
