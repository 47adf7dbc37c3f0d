"""What `pull` and `push-reports` are told: the receiver, its authority, the laptop's folder."""

import argparse
import os
import ssl
from pathlib import Path
from typing import Final

from phonehome_tools.cable.errors import UsageError
from phonehome_tools.fleet.desk import TOKEN_VARIABLE, read_token

from .store import Store
from .uploading import Uploader

URL_VARIABLE: Final = "PHONEHOME_UPLOAD_URL"
_SCHEMES: Final = ("http://", "https://")


def add_receiver(parser: argparse.ArgumentParser) -> None:
    """Where reports go."""
    parser.add_argument(
        "--server", metavar="URL", help=f"the receiver (default: the variable {URL_VARIABLE})"
    )
    parser.add_argument(
        "--ca", type=Path, metavar="FILE", help="the authority that its TLS is checked against"
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help=f"desk token, for devices without a key (default: the variable {TOKEN_VARIABLE})",
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    """Where reports and acks are kept."""
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="the folder of what is carried (default: phonehome/courier in XDG_STATE_HOME)",
    )


def open_store(args: argparse.Namespace) -> Store:
    """The store of the options."""
    return Store(args.state)


def make_uploader(args: argparse.Namespace) -> Uploader | None:
    """What uploads to the receiver of the options; None when they name none. UsageError."""
    url = args.server or os.environ.get(URL_VARIABLE, "")
    if not url:
        return None
    if not url.startswith(_SCHEMES):
        raise UsageError(f"--server {url!r} is no address", "write http:// or https:// before it")
    token = os.environ.get(TOKEN_VARIABLE, "") if args.token_file is None else ""
    if args.token_file is not None:
        token = read_token(args.token_file)
    return Uploader(url, token, _make_context(args.ca))


def _make_context(ca: Path | None) -> ssl.SSLContext | None:
    """TLS that believes one authority only, in PEM or DER as boards have it."""
    if ca is None:
        return None
    try:
        data = ca.read_bytes()
        text = data.decode("ascii") if data.startswith(b"-----") else data
        return ssl.create_default_context(cadata=text)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise UsageError(f"--ca {ca}: {error}", "want a certificate, PEM or DER") from error
