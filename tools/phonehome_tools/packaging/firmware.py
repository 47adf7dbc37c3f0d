"""What a board's firmware says about itself over the console."""

from dataclasses import dataclass

# mpremote's transport: what every MicroPython developer's console speaks.
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from phonehome_tools.fleet.errors import SetupError

_ASK = (
    "import sys\n"
    "v = sys.implementation\n"
    "print(getattr(v, '_mpy', 0) & 255, 'MicroPython', '.'.join([str(n) for n in v.version[:3]]))"
)


@dataclass(frozen=True)
class Firmware:
    """Its name with its release, and the version of .mpy that it loads; 0 is none."""

    name: str
    mpy: int


def read_firmware(port: str) -> Firmware:
    """Ask the board at a port; SetupError when there is none."""
    try:
        console = SerialTransport(port)
        try:
            console.enter_raw_repl(soft_reset=False)
            answer = console.exec(_ASK).decode()
            console.exit_raw_repl()
        finally:
            console.close()
    except (TransportError, OSError) as error:
        raise SetupError(f"{port}: no MicroPython board answers there: {error}") from error
    return parse_answer(answer)


def parse_answer(answer: str) -> Firmware:
    """The firmware behind what it printed; SetupError when that is something else."""
    mpy, _, name = answer.strip().partition(" ")
    if not mpy.isdigit() or not name.startswith("MicroPython"):
        raise SetupError(f"the board answers {answer.strip()!r}: not MicroPython")
    return Firmware(name, int(mpy))
