"""What the tests of push, doctor and provision put on a board at a cable."""

import json
from pathlib import Path

from phonehome_tools.cable.board import open_board
from phonehome_tools.cable.files import read_hashes, send_files
from phonehome_tools.installing.bundle import APP_PATHS, OWNED
from phonehome_tools.installing.switching import NEW

DEVICE = "e66038b713aabbcc"
APP = """
import phonehome

agent = phonehome.Agent("product.ph", "phonehome.json")
for channel in agent.product.channels:
    agent.sensor(channel.name, lambda: 0)
agent.run()
"""
SETTINGS = {"server": "http://127.0.0.1:1", "insecure": True, "device": DEVICE, "console": True}


def write_app(folder: Path, text: str = APP) -> Path:
    """An application's source in a folder."""
    path = folder / "main.py"
    path.write_text(text)
    return path


def provision(port: str, **settings) -> None:
    """What provisioning leaves on a board, without a receiver."""
    config = json.dumps({**SETTINGS, **settings}).encode()
    with open_board(port) as board:
        send_files(board, {"/phonehome.json": config, "/phonehome.key": b"\x01" + bytes(32)})


def installed(port: str) -> dict[str, str]:
    """Hashes of everything that a push has to do with, by path."""
    with open_board(port) as board:
        return read_hashes(
            board, [*OWNED, "/lib/umqtt", "/main.py", *APP_PATHS, "/product.ph", NEW]
        )
