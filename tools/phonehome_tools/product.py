"""`phonehome product`: check product files, and compile the half that a board loads."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from phonehome_product import (
    Product,
    ProductError,
    compile_device,
    load,
    load_whole,
    manifest_of,
)

GOOD, FAILED, REFUSED = 0, 1, 3  # the exit codes of the command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two steps: check FILE..., and build FILE [-o OUT]."""
    steps = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    check = steps.add_parser("check", help="Name every mistake of product files.")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a product file, TOML")
    build = steps.add_parser("build", help="Compile the half that a board loads.")
    build.add_argument("file", type=Path, metavar="FILE", help="a product file, TOML")
    build.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="what to write (default: FILE with .ph)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the chosen step: 0 good, 1 a file cannot be read or written, 3 a file is refused."""
    if args.step == "check":
        return max(_check(file) for file in args.files)
    return _build(args.file, args.output or args.file.with_suffix(".ph"))


def _check(file: Path) -> int:
    product, code = _load(file, load_whole)
    if product is not None:
        half = compile_device(product)
        print(
            f"{file}: good: {product.name} version {product.version}, "
            f"{len(product.sensors)} sensors, {len(product.faults)} faults, "
            f"{len(half)} bytes on a board, manifest {manifest_of(half).hex()}"
        )
        if product.service is not None:
            print(f"{file}: service: {_describe_service(product)}")
    return code


def _describe_service(product: Product) -> str:
    faults = product.faults
    counts = {
        "causes": sum(len(fault.causes) for fault in faults),
        "pieces of evidence": sum(len(fault.evidence) for fault in faults),
        "asks": sum(len(fault.asks) for fault in faults),
        "actions": sum(len(fault.actions) for fault in faults),
        "parts": len(product.parts),
        "articles": len(product.articles),
    }
    languages = sorted({text.language for a in product.articles for text in a.texts})
    told = ", ".join(f"{count} {noun}" for noun, count in counts.items() if count)
    return f"{told} in {' and '.join(languages)}" if languages else told


def _build(file: Path, output: Path) -> int:
    product, code = _load(file)
    if product is None:
        return code
    half = compile_device(product)
    try:
        _write_whole(output, half)
    except OSError as error:
        print(f"{output}: cannot be written: {error.strerror}", file=sys.stderr)
        return FAILED
    print(f"{output}: {len(half)} bytes, manifest {manifest_of(half).hex()}")
    return GOOD


def _load(file: Path, read: Callable[[Path], Product] = load) -> tuple[Product | None, int]:
    try:
        return read(file), GOOD
    except ProductError as error:
        print(error, file=sys.stderr)
        return None, REFUSED
    except OSError as error:
        print(f"{file}: cannot be read: {error.strerror}", file=sys.stderr)
        return None, FAILED


def _write_whole(path: Path, data: bytes) -> None:
    """Write beside and rename, so that a pushed device half is never a torn one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(data)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
