"""Records: the durable things a device has to say. `put_head` begins one, one of the others writes
its body.

The whole list, for hosts; a device imports from the file of each and drops what it needs rarely.
"""

from .crash import Crash, encode_crash
from .fault import Fault, encode_fault
from .head import put_head
from .heartbeat import put_heartbeat
from .hello import put_hello
from .log import put_log
from .result import put_result

__all__ = [
    "Crash",
    "Fault",
    "encode_crash",
    "encode_fault",
    "put_head",
    "put_heartbeat",
    "put_hello",
    "put_log",
    "put_result",
]
