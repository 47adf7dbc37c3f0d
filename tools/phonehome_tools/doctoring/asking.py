"""The facts of a board: what its agent says about its last reset, then one script at the prompt.

No secret leaves the board: of a key its size and its epoch, of the settings what is no secret.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from phonehome_tools.cable.board import Board, open_board
from phonehome_tools.cable.files import digest, read_hashes
from phonehome_tools.cable.line import open_line
from phonehome_tools.installing.bundle import OWNED, agent_files
from phonehome_tools.installing.needing import ALONE, lacking
from phonehome_tools.installing.switching import MARK, TODO
from phonehome_tools.packaging.firmware import Firmware, ask_firmware

# An agent answers at once, or it is not running.
_AGENT_S: Final = 2.0
_QUESTIONS: Final = ("version", "reset-reason")
_ANSWER: Final = '{{"command": "{}"'
_ASK: Final = """
import gc, os, sys, time, json
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
    'is_running': 'phonehome.agent' in sys.modules, 'is_hidden': stat('/phonehome') is not None,
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
    """One board: firmware, EUI-64, what its agent says, its files, and the rest by name.

    `agent` and `reset` are the words of an agent that runs, else ""; `files` is how many files of
    an agent there are, `differing` how many of them are not those that push installs; `lacking`
    are parts of that which the settings ask for.
    """

    port: str
    firmware: Firmware
    device: str
    agent: str
    reset: str
    files: int
    differing: int
    lacking: tuple[str, ...]
    more: dict[str, Any]


def ask_board(port: str) -> Facts:
    """Collect the facts of the board at a port, and let it go on where it has a program."""
    answers = _ask_agent(port)
    ours = {path: digest(data) for path, data in agent_files("all").items()}
    with open_board(port) as board:
        more = _ask_prompt(board)
        there = read_hashes(board, OWNED)
        facts = Facts(
            port=port,
            firmware=ask_firmware(board),
            device=board.read_device(),
            agent=str(answers["version"].get("agent", "")),
            reset=_tell(answers["reset-reason"]),
            files=len(there),
            differing=sum(ours.get(path) != found for path, found in there.items()),
            lacking=tuple(lacking(_asking(more), there)),
            more=more,
        )
        if more["has_main"]:
            board.reset()
    return facts


def _asking(more: dict[str, Any]) -> dict[str, Any]:
    """Of the settings what asks for a part without which an agent does not start."""
    server, claim = more["server"], more["has_claim"] and more["key_bytes"] < 0
    return {"server": server, "claim": claim, **ALONE}


def _ask_prompt(board: Board) -> dict[str, Any]:
    script = _ASK.format(mark=len(MARK), text=MARK.encode(), todo=TODO)
    return dict(board.ask(script))


def _ask_agent(port: str) -> dict[str, dict[str, Any]]:
    """What an agent that runs answers; nothing when none does."""
    answers: dict[str, dict[str, Any]] = {question: {} for question in _QUESTIONS}
    with open_line(port) as line:
        for question in _QUESTIONS:
            line.write_line(f"{question} --json")
            mark = _ANSWER.format(question)
            said = next((text for text in line.lines(_AGENT_S) if mark in text), None)
            if said is None:
                return answers
            with suppress(ValueError):
                answers[question] = json.loads(said[said.index(mark) :])
    return answers


def _tell(answer: dict[str, Any]) -> str:
    """The facts of an answer in one line."""
    return ", ".join(
        f"{name} {value}" for name, value in answer.items() if name != "command" and value
    )
