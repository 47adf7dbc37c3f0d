r"""Commands: which there are, what their arguments may be, and how they are signed.

    queued -> sent -> done, refused, bad_args, failed, expired, unknown (the result's word)
       |        \---> lost      its boot ended without a result, and it must not be done twice
       \-----------> expired, superseded

A result that comes late counts whatever the state said before. Ping, hello, configuration, log,
level and send-again may be given to the next boot: done twice they change nothing more. Reboot,
clear faults, rotate key and commands of an application are given to one boot only, unless whoever
asks says that repeating is safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from phonehome_wire import registry
from phonehome_wire.downlink import Command, put_command
from phonehome_wire.encoder import Encoder
from phonehome_wire.envelope import ALG_HMAC_256, PAYLOAD_OFFSET, seal
from phonehome_wire.errors import EncodeError
from phonehome_wire.limits import MAX_DOWNLINK_BYTES, MAX_INT
from phonehome_wire.names import COMMAND_NAMES, RESULT_NAMES, SEVERITY_NAMES

from .arrivals import DeviceKey
from .transitions import plain

QUEUED: Final = "queued"
SENT: Final = "sent"
LOST: Final = "lost"
EXPIRED: Final = "expired"
SUPERSEDED: Final = "superseded"
DONE: Final = "done"

FIRST_APPLICATION_CODE: Final = 128
LAST_CODE: Final = 255
MAX_OPEN: Final = 32  # commands of one device that wait at a time
MAX_DEADLINE_S: Final = 30 * 86_400
# So often one command is sent to a boot before another that waits goes first; the device may have
# lost its result, and would then never answer.
PATIENT_SENDS: Final = 8
# 1024 bytes less the envelope with its long tag (54) and a head of the largest numbers (80).
MAX_ARGS_BYTES: Final = MAX_DOWNLINK_BYTES - 134

_ROOM = PAYLOAD_OFFSET + MAX_DOWNLINK_BYTES
_PAYLOAD_END = _ROOM - 55  # 20 bytes in front and 34 behind belong to the message, too
_MAX_TEXT = 64


class OrderError(ValueError):
    """An order that cannot be given: which field, what it held, what it should hold."""

    def __init__(self, name: str, value: object, fix: str) -> None:
        super().__init__(f"{name}: {fix}")
        self.field = name
        self.value = value
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument by its key on the wire: a number within bounds, or a text."""

    key: int
    least: int = 0
    greatest: int = MAX_INT
    is_text: bool = False
    is_needed: bool = False
    names: Mapping[int, str] = field(default_factory=dict)

    def read(self, name: str, given: object) -> Any:
        """The value as it is sent; OrderError when it cannot be."""
        number = next((n for n, word in self.names.items() if word == given), given)
        if self.is_text:
            if isinstance(given, str) and 1 <= len(given) <= _MAX_TEXT:
                return given
            raise OrderError(f"args.{name}", given, f"a text of 1 to {_MAX_TEXT} characters")
        if type(number) is int and self.least <= number <= self.greatest:
            return number
        words = f", or {', '.join(self.names.values())}" if self.names else ""
        fix = f"a whole number from {self.least} to {self.greatest}{words}"
        raise OrderError(f"args.{name}", given, fix)


@dataclass(frozen=True, slots=True)
class Kind:
    """One command of the agent; `instead` says where to ask for it when not as a command."""

    code: int
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    is_repeatable: bool = True
    instead: str = ""


KINDS: Final = {
    kind.code: kind
    for kind in (
        Kind(registry.COMMAND_PING),
        Kind(registry.COMMAND_SEND_HELLO),
        Kind(registry.COMMAND_SET_CONFIG, instead="PUT the device's config"),
        Kind(
            registry.COMMAND_CLEAR_FAULTS,
            {"fault": Argument(registry.ARG_CLEAR_CODE, is_text=True)},
            is_repeatable=False,
        ),
        Kind(registry.COMMAND_REBOOT, is_repeatable=False),
        Kind(
            registry.COMMAND_ROTATE_KEY,
            is_repeatable=False,
            instead="POST the device's rotate-key",
        ),
        Kind(
            registry.COMMAND_SEND_LOG,
            {"lines": Argument(registry.ARG_LOG_COUNT, least=1, greatest=32)},
        ),
        Kind(
            registry.COMMAND_RESEND_RANGE,
            {
                "boot": Argument(registry.ARG_RESEND_BOOT, is_needed=True),
                "first": Argument(registry.ARG_RESEND_FIRST, is_needed=True),
                "last": Argument(registry.ARG_RESEND_LAST, is_needed=True),
            },
        ),
        Kind(
            registry.COMMAND_SET_LOG_LEVEL,
            {
                "severity": Argument(
                    registry.ARG_LEVEL_SEVERITY, greatest=7, is_needed=True, names=SEVERITY_NAMES
                ),
                "logger": Argument(registry.ARG_LEVEL_LOGGER, is_text=True),
            },
        ),
    )
}


def read_code(given: int | str) -> int:
    """The code of a command by number or name; OrderError when nobody can ask for it."""
    codes = {name: code for code, name in COMMAND_NAMES.items()}
    code = codes.get(given, given) if isinstance(given, str) else given
    known = isinstance(code, int) and (code in KINDS or is_application(code))
    if not known:
        names = ", ".join(sorted(codes))
        raise OrderError("code", given, f"one of {names}, or a number from 128 to 255")
    kind = KINDS.get(int(code))
    if kind is not None and kind.instead:
        raise OrderError("code", given, kind.instead)
    return int(code)


def is_application(code: int) -> bool:
    """Whether a code belongs to the firmware's developer."""
    return FIRST_APPLICATION_CODE <= code <= LAST_CODE


def may_repeat(code: int, *, is_asked: bool) -> bool:
    """Whether a later boot may get it; OrderError when that is asked for and is not safe."""
    kind = KINDS.get(code)
    if kind is None:
        return is_asked
    if is_asked and not kind.is_repeatable:
        raise OrderError("repeat", is_asked, "leave it out: it is given to one boot only")
    return kind.is_repeatable


def read_args(code: int, given: Mapping[str, Any]) -> dict[int, Any]:
    """Arguments by key; those of an application's command have numbers for names."""
    kind = KINDS.get(code)
    if kind is None:
        return _read_keys("args", given)
    for name in given:
        if name not in kind.arguments:
            known = ", ".join(kind.arguments) or "none"
            raise OrderError(f"args.{name}", given[name], f"leave it out; known: {known}")
    for name, argument in kind.arguments.items():
        if argument.is_needed and name not in given:
            raise OrderError(f"args.{name}", None, "it is needed")
    args = {kind.arguments[n].key: kind.arguments[n].read(n, v) for n, v in given.items()}
    if code == registry.COMMAND_RESEND_RANGE and given["first"] > given["last"]:
        raise OrderError("args.first", given["first"], "not more than last")
    return args


def name_args(code: int, args: Mapping[int, Any] | None) -> dict[str, Any]:
    """Arguments as they were asked for: names for keys."""
    kind = KINDS.get(code)
    names = {a.key: name for name, a in kind.arguments.items()} if kind else {}
    return {names.get(key, str(key)): plain(value) for key, value in (args or {}).items()}


def encode_args(args: Mapping[int, Any]) -> bytes | None:
    """The arguments as they are signed, None for none; OrderError when they are too large."""
    if not args:
        return None
    encoder = Encoder(bytearray(MAX_ARGS_BYTES), 0)
    try:
        encoder.put_value(dict(args))
    except EncodeError as error:
        fix = f"at most {MAX_ARGS_BYTES} bytes of numbers, texts, lists and maps ({error})"
        raise OrderError("args", "(not shown)", fix) from None
    return bytes(encoder.buf[: encoder.pos])


def outcome_of(status: int) -> str:
    """The state of a command with this result."""
    return DONE if status == registry.RESULT_OK else RESULT_NAMES.get(status, "failed")


def sign_command(key: DeviceKey, command: Command) -> bytes:
    """The signed command of at most 1024 bytes."""
    buffer = bytearray(_ROOM)
    encoder = Encoder(buffer, PAYLOAD_OFFSET, _PAYLOAD_END)
    put_command(encoder, command)
    start, end = seal(buffer, encoder.pos, key.down, key.kid, ALG_HMAC_256)
    return bytes(buffer[start:end])


def _read_keys(where: str, given: Mapping[str, Any]) -> dict[int, Any]:
    read = {}
    for name, value in given.items():
        if not (name.isascii() and name.isdigit() and len(name) <= 9 and name == str(int(name))):
            raise OrderError(f"{where}.{name}", value, "a number for a name, as in 0")
        inner = f"{where}.{name}"
        read[int(name)] = _read_keys(inner, value) if isinstance(value, dict) else value
    return read
