"""Names that are not ours alone: what the interpreter, umqtt and other programs call things."""

import array
import ast
import asyncio
import hashlib
import io
import select
import socket
import ssl
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from phonehome_tools.linking.plan import Plan
from phonehome_tools.linking.program import Program
from phonehome_tools.linking.scopes import arguments

_TYPES: Final = (
    *(str, bytes, bytearray, memoryview, list, dict, set, tuple, int, float, range, slice),
    *(io.FileIO, io.TextIOWrapper, io.BytesIO, array.array, BaseException, OSError, property),
    *(asyncio.Event, asyncio.Lock, asyncio.Task, asyncio.StreamReader, asyncio.StreamWriter),
    *(asyncio.AbstractEventLoop, socket.socket, ssl.SSLContext, type(select.poll())),
    type(hashlib.sha256()),
)
_UMQTT: Final = [
    "client_id",
    "sock",
    "server",
    "port",
    "ssl",
    "ssl_params",
    "pid",
    "cb",
    "user",
    "pswd",
    "keepalive",
    "lw_topic",
    "lw_msg",
    "lw_qos",
    "lw_retain",
    "set_callback",
    "set_last_will",
    "connect",
    "disconnect",
    "ping",
    "publish",
    "subscribe",
    "wait_msg",
    "check_msg",
]
# Of what only boards have, module by module; a test holds them to what the ports call.
_BOARDS: Final[dict[str, str]] = {
    "machine": "reset soft_reset reset_cause unique_id freq deepsleep lightsleep idle bootloader "
    "wake_reason mem8 mem16 mem32 mem_backup disable_irq enable_irq RTC WDT ADC Pin I2C SoftI2C",
    "machine.ADC": "read read_u16 read_uv atten width ATTN_11DB",
    "machine.I2C": "scan readfrom readfrom_into readfrom_mem readfrom_mem_into writeto "
    "writeto_mem",
    "machine.Pin": "value init irq on off high low toggle mode pull IN OUT OPEN_DRAIN PULL_UP "
    "PULL_DOWN",
    "machine.RTC": "datetime memory init alarm cancel",
    "machine.WDT": "feed timeout_ms",
    "network": "WLAN STA_IF AP_IF country hostname active connect disconnect isconnected status "
    "config ifconfig ipconfig scan",
    "onewire": "OneWire reset readbit readbyte readinto writebit writebyte write select_rom scan "
    "crc8",
    "ds18x20": "DS18X20 convert_temp read_scratch write_scratch read_temp",
    "dht": "DHT11 DHT22 measure temperature humidity",
    "rp2": "bootsel_button Flash readblocks writeblocks ioctl",
    "esp32": "NVS Partition RMT ULP wake_on_ext0 wake_on_ext1 wake_on_touch mcu_temperature "
    "raw_temperature idf_heap_info get_blob set_blob commit",
    "micropython": "const mem_info qstr_info schedule kbd_intr heap_lock heap_unlock stack_use "
    "alloc_emergency_exception_buf opt_level",
    "gc": "collect enable disable isenabled mem_alloc mem_free threshold",
    "time": "ticks_ms ticks_us ticks_diff ticks_add sleep sleep_ms sleep_us time time_ns gmtime "
    "localtime mktime",
    "os": "sync statvfs ilistdir listdir mkdir remove rename rmdir stat urandom mount umount",
    "sys": "buffer implementation modules path platform print_exception stdin stdout exit",
    "asyncio": "sleep sleep_ms wait_for wait_for_ms ThreadSafeFlag get_event_loop create_task "
    "current_task new_event_loop set_exception_handler run gather open_connection",
    "select": "poll ipoll register unregister modify POLLIN POLLOUT",
    "ssl": "load_verify_locations load_cert_chain verify_mode wrap_socket cadata",
}
# Of MicroPython's stream protocol and of what its asyncio calls.
_PROTOCOLS: Final = "ioctl readinto write read readline awrite aclose wait_closed state data coro"


def foreign_names() -> set[str]:
    """Attributes of objects that are not ours."""
    names = {name for kind in _TYPES for name in dir(kind)}
    boards = {name for names in _BOARDS.values() for name in names.split()}
    return names | boards | {*_UMQTT, *_PROTOCOLS.split()}


def named_in(paths: Iterable[Path]) -> set[str]:
    """Every attribute, keyword and text of other programs."""
    names: set[str] = set()
    for path in paths:
        tree = ast.parse(path.read_text())
        names |= set(_texts(tree)) | keywords(tree)
        names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return names


def keywords_in(paths: Iterable[Path]) -> set[str]:
    """Every keyword of the calls of other programs."""
    return {word for path in paths for word in keywords(ast.parse(path.read_text()))}


def texts_of(program: Program, without: Collection[int] = ()) -> set[str]:
    """Every text of the program: what getattr and hasattr could be given."""
    trees = [source.module.tree for source in program.sources.values()]
    return {text for tree in trees for text in _texts(tree, without)}


def spoken_in(program: Program, packages: Collection[str]) -> set[int]:
    """The texts of packages that speak to people, as ids of their nodes."""
    return {
        id(node)
        for name, source in program.sources.items()
        if name.rpartition(".")[0] in packages
        for node in ast.walk(source.module.tree)
        if isinstance(node, ast.Constant)
    }


def keywords_of(program: Program) -> set[str]:
    """Every keyword that a call in the program names."""
    return {word for source in program.sources.values() for word in keywords(source.module.tree)}


def promised_members(program: Program, plan: Plan) -> set[str]:
    """The public names of promised modules, of their classes, and what these keep in `self`."""
    names = set(plan.protocol)
    for tree in _promised_trees(program, plan):
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names.add(node.name)
                case ast.Attribute(ctx=ast.Store(), attr=name):
                    names.add(name)
        classes = [s for s in tree.body if isinstance(s, ast.ClassDef)]
        for statement in (*tree.body, *(s for cls in classes for s in cls.body)):
            names |= set(_assigned(statement))
    return {name for name in names if not name.startswith("_")} - {*plan.internal}


def _assigned(statement: ast.stmt) -> list[str]:
    """The variables that a statement of a module or class makes."""
    match statement:
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def promised_parameters(program: Program, plan: Plan) -> set[int]:
    """The parameters, as ids of their nodes, of what is public in promised modules."""
    found: set[int] = set()
    for tree in _promised_trees(program, plan):
        classes = [s for s in tree.body if isinstance(s, ast.ClassDef)]
        for node in [*tree.body, *(s for cls in classes for s in cls.body)]:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                not node.name.startswith("_") or node.name == "__init__"
            ):
                found |= {id(arg) for arg in arguments(node)}
    return found


def keywords(tree: ast.AST) -> set[str]:
    """The keywords of all calls in a tree."""
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}


def _promised_trees(program: Program, plan: Plan) -> Iterator[ast.Module]:
    for name in plan.promised:
        if name in program.sources:
            yield program.sources[name].module.tree


def _texts(tree: ast.AST, without: Collection[int] = ()) -> Iterator[str]:
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in without
        ):
            yield node.value
