"""The facts of a board: what its agent says about its last reset, then one script at the prompt.

No secret leaves the board: of a key its size and its epoch, of the settings what is no secret.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from phonehome_tools.cable.board import Board, open_board
from phonehome_tools.cable.line import open_line
from phonehome_tools.installing.switching import MARK, TODO
from phonehome_tools.packaging.firmware import Firmware, ask_firmware

# An agent answers at once, or it is not running.
_AGENT_S: Final = 2.0
_QUESTION: Final = "reset-reason --json"
_ANSWER: Final = '{"command": "reset-reason"'
_ASK: Final = """
import gc, os, time, json
def stat(p):
    try:
        return os.stat(p)
    except OSError:
        return None
def read(p, n=-1):
    try:
        with open(p, 'rb') as f:
            return f.read(n)
    except OSError:
        return None
def can_write():
    try:
        with open('/phonehome.probe', 'wb') as f:
            f.write(b'x')
        os.remove('/phonehome.probe')
        return 0
    except OSError as e:
        return e.errno
def network():
    try:
        import network
        w = network.WLAN(network.STA_IF)
    except (ImportError, AttributeError, OSError):
        return None
    r = None
    try:
        r = w.status('rssi')
    except Exception:
        pass
    return w.active(), w.isconnected(), w.ifconfig()[0] if w.isconnected() else '', r
def cause():
    try:
        import machine
        c = machine.reset_cause()
    except (ImportError, AttributeError):
        return ''
    for n in dir(machine):
        if n.endswith('_RESET') and getattr(machine, n) == c:
            return n
    return str(c)
def version():
    try:
        import phonehome
        return phonehome.__version__
    except ImportError:
        return ''
    except Exception as e:
        return 'broken: ' + repr(e)
gc.collect()
s = os.statvfs('/')
config = read('/phonehome.json')
try:
    c = json.loads(config) if config else {{}}
    bad = ''
    if not isinstance(c, dict):
        c, bad = {{}}, 'not an object'
except ValueError:
    c, bad = {{}}, 'not JSON'
k = c.get('key', 'phonehome.key')
key = read(k)
print(repr({{
    'heap_free': gc.mem_free(), 'heap_size': gc.mem_free() + gc.mem_alloc(),
    'flash_block': s[1], 'flash_blocks': s[2], 'flash_free': s[3], 'write_errno': can_write(),
    'clock': tuple(time.gmtime())[:6], 'network': network(), 'reset_cause': cause(),
    'agent': version(), 'is_hidden': stat('/phonehome') is not None,
    'is_main_ours': (read('/main.py', {mark}) or b'') == {text!r},
    'has_main': bool(stat('/main.py')),
    'has_app': bool(stat('/app.py') or stat('/app.mpy')), 'has_product': bool(stat('/product.ph')),
    'is_cut_short': stat({todo!r}) is not None,
    'has_config': config is not None, 'config_error': bad,
    'server': str(c.get('server', '')), 'device': str(c.get('device', '')),
    'ssid': str((c.get('wifi') or {{}}).get('ssid', '')), 'is_insecure': c.get('insecure') is True,
    'ca': str(c.get('ca', '')), 'has_ca': bool(c.get('ca')) and stat(c['ca']) is not None,
    'has_claim': bool(c.get('claim')) and stat(c['claim']) is not None,
    'key_bytes': len(key) if key is not None else -1, 'key_epoch': key[0] if key else 0,
    'has_next_key': stat(k + '.next') is not None,
}}))
"""


@dataclass(frozen=True)
class Facts:
    """One board: firmware, EUI-64, what the agent says of its reset, and the rest by name."""

    port: str
    firmware: Firmware
    device: str
    reset: str
    more: dict[str, Any]


def ask_board(port: str) -> Facts:
    """Collect the facts of the board at a port, and let it go on where it has a program."""
    reset = _ask_agent(port)
    with open_board(port) as board:
        firmware = ask_firmware(board)
        facts = Facts(port, firmware, board.read_device(), reset, _ask_prompt(board))
        if facts.more["has_main"]:
            board.reset()
    return facts


def _ask_prompt(board: Board) -> dict[str, Any]:
    script = _ASK.format(mark=len(MARK), text=MARK.encode(), todo=TODO)
    return dict(board.ask(script))


def _ask_agent(port: str) -> str:
    """Why it started, in the words of an agent that runs; "" when none does."""
    with open_line(port) as line:
        line.write_line(_QUESTION)
        for said in line.lines(_AGENT_S):
            at = said.find(_ANSWER)
            if at >= 0:
                with suppress(ValueError):
                    return _tell(json.loads(said[at:]))
    return ""


def _tell(answer: dict[str, Any]) -> str:
    """The facts of an answer in one line."""
    return ", ".join(
        f"{name} {value}" for name, value in answer.items() if name != "command" and value
    )
