"""Names that are not ours alone: what the interpreter, umqtt and other programs call things."""

import array
import ast
import asyncio
import hashlib
import io
import select
import socket
import ssl
from collections.abc import Iterable, Iterator
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
# Of MicroPython's stream protocol and of what its asyncio calls.
_PROTOCOLS: Final = "ioctl readinto write read readline awrite aclose wait_closed state data coro"


def foreign_names() -> set[str]:
    """Attributes of objects that are not ours."""
    names = {name for kind in _TYPES for name in dir(kind)}
    return names | {*_UMQTT, *_PROTOCOLS.split()}


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


def texts_of(program: Program) -> set[str]:
    """Every text of the program: what getattr and hasattr could be given."""
    return {text for source in program.sources.values() for text in _texts(source.module.tree)}


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


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
