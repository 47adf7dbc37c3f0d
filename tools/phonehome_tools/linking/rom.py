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

# What a class calls while its methods get their names, and what the compiler takes for its own.
DECORATORS: Final = frozenset({"classmethod", "staticmethod"})
COMPILED: Final = frozenset({"const", "super"})

# Of the modules that firmware has: not in the compiler's list, so that a .mpy file spells them.
_MODULES: Final = """
b e f n r s t v x y RX TX fs pi rx sz tx CTS EIO GS8 I2S INT LSB MSB PTR PWM RAW RTS SPI aes alt
buf cmp cos erf exc exp idx inf log mem mod nan out pin ps1 ps2 ptr sck scl sda sin src sub tan
tau vfs AUTO GZIP INT8 LONG Loop Task UART UINT VOID ZLIB acos argv asin atan bits blit ceil code
cosh ctrl dest dump erfc fabs file fill flow fmod hard json line lock log2 loop math miso mkfs
modf mosi pack peek poly ptr8 rate rect seed sgen sha1 side sinh sqrt tanh task text uint word
ARRAY EBADF EPERM INT16 INT32 INT64 MVLSB SHORT UINT8 ULONG acosh asinh atan2 atanh block board
chdir cmath crc32 delay deque dumps event expm1 flags floor frexp gamma group heapq hline instr
isinf isnan label ldexp loads log10 match pixel polar ptr16 ptr32 rmdir rxbuf shift ticks trunc
txbuf uname viper vline BFINT8 BF_LEN BF_POS EACCES EAGAIN EEXIST EINVAL EISDIR ENODEV ENOENT
ENOMEM FileIO IOBase NATIVE RGB565 RingIO UINT16 UINT32 UINT64 USHORT choice future getcwd invert
lgamma module native parity period ph_key poller random scroll search select sha256 single sizeof
socket stderr stream struct unlink unpack unsafe waiter BFINT16 BFINT32 BFUINT8 ENOBUFS FLOAT32
FLOAT64 backlog channel closure decrypt default deflate degrees dupterm duty_ns ellipse encrypt
handler hashlib heapify heappop hexlify isclose maxsize memaddr message newline onewire out_buf
popleft radians randint rel_tol restart sysname trigger uctypes uniform version waiting BFUINT16
BFUINT32 EALREADY ENOTCONN LONGLONG baudrate builtins bytes_at calcsize copysign cur_task duty_u16
exc_type execfile firstbit framebuf function heappush isfinite iterable iterator keepends nodename
peername runq_len ETIMEDOUT addressof awritestr buffering byteorder cryptolib dict_view errorcode
factorial fill_rect generator lookahead main_task pack_into randrange ticks_cpu unhexlify
write_err EADDRINUSE ECONNRESET EOPNOTSUPP a2b_base64 appendleft b2a_base64 namedtuple pend_throw
queue_read separators stack_size EINPROGRESS collections getrandbits queue_write server_side
unpack_from ECONNABORTED ECONNREFUSED EHOSTUNREACH bound_method bytearray_at start_server
timeout_char version_info stream_awrite time_pulse_us wait_io_event write_readinto
return_exceptions
"""
FIRMWARE: Final = _MODULES.split()
