"""Fetch umqtt.simple from the package index into a folder MicroPython can import from.

A board gets it with `mip install umqtt.simple`. On a host only the sdist of 1.3.4 exists in the
package index, and pip refuses it (it has no setup.py), so it is fetched by name, its digest is
checked, and the one module is unpacked. pypi-simple speaks the index's standard API for us.
"""

import argparse
import hashlib
import io
import sys
import tarfile
import tempfile
from pathlib import Path

from pypi_simple import PyPISimple

NAME = "micropython-umqtt.simple"
VERSION = "1.3.4"
SHA256 = "b6a2520239e3992c63a7de9370ee9b3d9d27819a90359c521f1c0f7ccab8d12f"
MEMBER = "umqtt/simple.py"


def fetch() -> bytes:
    """The sdist's bytes, digest checked; SystemExit names what does not match."""
    with PyPISimple() as index, tempfile.TemporaryDirectory() as folder:
        packages = index.get_project_page(NAME).packages
        package = next(p for p in packages if p.version == VERSION)
        path = Path(folder) / package.filename
        index.download_package(package, path)
        data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{NAME} {VERSION}: sha256 is {digest}, expected {SHA256}; not installed")
    return data


def unpack(data: bytes, target: Path) -> Path:
    """Write the one module under target and return its path."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = next(m for m in archive.getmembers() if m.name.endswith(MEMBER))
        source = archive.extractfile(member)
        if source is None:
            raise SystemExit(f"{NAME} {VERSION}: {MEMBER} is not a file in the archive")
        path = target / MEMBER
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read())
    return path


def main() -> int:
    """Install umqtt.simple under the folder named on the command line, unless it is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="folder for umqtt/simple.py")
    target = parser.parse_args().target
    if not (target / MEMBER).exists():
        print(f"installed {unpack(fetch(), target)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
