"""Names that cost a board nothing: every firmware that reads this .mpy version has them in ROM.

They are the compiler's own list, which a .mpy file refers to by number; a test compiles each and
looks. As names of ours they mean nothing: they are only the cheapest there are.
"""

from typing import Final

# For parameters, by position; none of them is a function that our sources call.
PARAMETERS: Final = [
    "value",
    "key",
    "index",
    "args",
    "end",
    "start",
    "stop",
    "step",
    "sep",
    "values",
    "keys",
    "count",
    "items",
    "copy",
    "little",
    "insert",
]

# The rest of the lower-case ones that are not built-in functions.
WORDS: Final = [
    "append",
    "clear",
    "close",
    "endswith",
    "extend",
    "find",
    "format",
    "from_bytes",
    "get",
    "isalpha",
    "isdigit",
    "islower",
    "isspace",
    "isupper",
    "join",
    "lower",
    "lstrip",
    "main",
    "micropython",
    "pop",
    "popitem",
    "read",
    "readinto",
    "readline",
    "remove",
    "replace",
    "reverse",
    "rfind",
    "rindex",
    "rsplit",
    "rstrip",
    "setdefault",
    "sort",
    "split",
    "startswith",
    "strip",
    "to_bytes",
    "update",
    "upper",
    "write",
]

# Built-in functions and exceptions; a module that uses one must not redefine it.
BUILT_IN: Final = [
    "abs",
    "all",
    "any",
    "bool",
    "bytearray",
    "bytecode",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "const",
    "dict",
    "dir",
    "divmod",
    "eval",
    "exec",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "id",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "next",
    "object",
    "open",
    "ord",
    "pow",
    "print",
    "range",
    "repr",
    "round",
    "set",
    "setattr",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "zip",
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "EOFError",
    "Ellipsis",
    "Exception",
    "GeneratorExit",
    "ImportError",
    "IndentationError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "RuntimeError",
    "StopIteration",
    "SyntaxError",
    "SystemExit",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
]

# The interpreter looks for these in an object it waits for or takes for a dict.
PROBED: Final = frozenset({"send", "throw", "close", "keys"})

# What a class calls while its methods get their names.
DECORATORS: Final = frozenset({"classmethod", "staticmethod"})

# Of the modules that firmware has: not in the compiler's list, so that a .mpy file spells them.
_MODULES: Final = """
sin cos tan exp log pi inf nan acos asin atan atan2 sqrt ceil floor fabs fmod frexp ldexp modf
trunc erf gamma cosh sinh tanh log2 log10 isinf isnan match search sub group loads dumps dump
deque seed choice rmdir chdir getcwd uname argv random expm1 asinh acosh atanh degrees radians
heapify heappop heappush hexlify randint calcsize addressof sizeof uctypes uniform a2b_base64 aes
alt appendleft awritestr b2a_base64 backlog baudrate bits blit block board bound_method buf
buffering builtins bytearray_at byteorder bytes_at channel closure cmath cmp code collections
copysign crc32 cryptolib ctrl cur_task decrypt default deflate delay dest dict_view dupterm
duty_ns duty_u16 ellipse encrypt erfc errorcode event exc exc_type execfile factorial file fill
fill_rect firstbit flags flow framebuf fs function future generator getrandbits handler hard
hashlib heapq hline idx instr invert isclose isfinite iterable iterator json keepends label lgamma
line lock lookahead loop main_task math maxsize mem memaddr message miso mkfs module mosi
namedtuple native newline nodename onewire out out_buf pack pack_into parity peek peername
pend_throw period ph_key pin pixel polar poller poly popleft ps1 ps2 ptr ptr16 ptr32 ptr8
queue_read queue_write randrange rate rect rel_tol restart return_exceptions runq_len rx rxbuf sck
scl scroll sda select separators server_side sgen sha1 sha256 shift side single socket src
stack_size start_server stderr stream stream_awrite struct sysname sz task tau text ticks
ticks_cpu time_pulse_us timeout_char trigger tx txbuf uint unhexlify unlink unpack unpack_from
unsafe version version_info vfs viper vline wait_io_event waiter waiting word write_err
write_readinto
"""
FIRMWARE: Final = _MODULES.split()
