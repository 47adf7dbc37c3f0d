"""Names that the linker takes because they cost nothing must be in the firmware."""

import re

from phonehome_tools.linking import rom
from phonehome_tools.pico import settings
from phonehome_tools.pico.board import PicoBoard
from phonehome_tools.pico.image import Flash

SCRIPT = """
import micropython
micropython.qstr_info()
exec({!r})
micropython.qstr_info()
"""


def test_the_firmware_has_the_names_of_its_modules(tmp_path):
    """Code with all of them makes no name that was not there; other code does."""
    machine = settings.pico()
    image = Flash("", b"", b"", {}, {}).write(tmp_path / "pico.img", machine)
    with PicoBoard(machine, image) as pico:
        assert _made_by(pico, rom.FIRMWARE) == 0
        assert _made_by(pico, ["nobodys", "neither"]) == 2


def _made_by(pico, names):
    """How many names there are more once a board has compiled code with these."""
    lines = pico.run(SCRIPT.format("\n".join(f"{name} = 0" for name in names)))
    before, after = [int(found) for found in re.findall(r"n_qstr=(\d+)", "\n".join(lines))]
    return after - before
