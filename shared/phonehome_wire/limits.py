"""Every bound of the wire by name, with the reason where it is not plain. Lengths are bytes unless
the name says otherwise.
"""

from .compat import const

# Envelope. The payload starts at a fixed place, so that its header is filled in backwards, without
# a copy.
PAYLOAD_OFFSET = const(40)
MAC_ROOM_BYTES = const(34)  # a 32-byte tag and its two-byte head

# Whole messages. A device buffer of 2048 carries one TCP segment (1400) with room to spare.
MAX_MESSAGE_BYTES = const(4096)  # receiver
MAX_DOWNLINK_BYTES = const(1024)  # device
SEND_BUFFER_BYTES = const(2048)
MAX_BATCH_BYTES = const(1400)
BATCH_OVERHEAD_BYTES = const(105)  # envelope and the largest usual uplink head around the records

# One record, so that alone in a message it stays under the hard caps 256, 1024 and 1400.
MAX_HEARTBEAT_RECORD_BYTES = const(151)
MAX_FAULT_RECORD_BYTES = const(919)
MAX_CRASH_RECORD_BYTES = const(1295)

# Strict decoding.
MAX_DEPTH = const(8)
MAX_ITEMS = const(2048)
MAX_STRING_BYTES = const(2048)
MAX_INT = 9007199254740991  # 2^53 - 1, exact in every JSON and SQL on the way
MAX_RECORDS = const(64)

# Fields.
MAX_EXP = const(9)
MAX_SPN = const(524287)
MAX_OCCURRENCE = const(126)
MAX_SAMPLES = const(128)
MAX_FREEZE_CHANNELS = const(16)
MAX_PERIOD_MS = const(3600000)
MAX_METRICS = const(48)
MAX_CONTEXT_METRICS = const(24)
MAX_FRAMES = const(12)
MAX_CRASH_CRUMBS = const(16)
MAX_CRASH_FAULTS = const(8)
MAX_LOG_CRUMBS = const(32)
MAX_NAME_BYTES = const(48)  # file, function, category, crumb text, exception type
MAX_CRASH_TEXT_BYTES = const(96)
MAX_AGENT_BYTES = const(32)
MAX_PLATFORM_BYTES = const(48)
MAX_CHANNEL_NAME_BYTES = const(24)
MAX_CHANNEL_UNIT_BYTES = const(12)
MIN_BUILD_BYTES = const(4)
MAX_BUILD_BYTES = const(8)
MIN_CODE_BYTES = const(4)
MAX_CODE_BYTES = const(32)
MAX_BACKOFF_S = const(86400)
MIN_HALVED_SAMPLES = const(8)  # fewer around the trigger say nothing about a shape
