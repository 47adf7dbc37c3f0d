"""Names and texts for the numbers of the registry, for people and JSON. Host only: a board needs
none of them.

Every X_NAMES maps the numbers of the constants X_* to the rest of their name in lower case.
"""

from . import registry


def _names(
    prefix: str, only: "tuple[str, ...]" = (), but: "tuple[str, ...]" = ()
) -> "dict[int, str]":
    """Number -> name of the registry's constants with this prefix; the first name wins."""
    found: "dict[int, str]" = {}
    for name, value in vars(registry).items():
        word = name[len(prefix) :]
        if name.startswith(prefix) and (not only or word in only) and word not in but:
            found.setdefault(value, word.lower())
    return found


_RESULT_FIELDS = ("CSEQ", "STATUS", "VALUE")

UPLINK_NAMES = _names("KEY_UP_")
ACK_NAMES = _names("KEY_DN_", but=("CSEQ", "DEADLINE_MS", "CODE", "ARGS", "NONCE"))
COMMAND_FIELD_NAMES = _names("KEY_DN_", but=("POLL", "ECHO_MS", "STORED", "REFUSED", "BACKOFF_S"))
ENROLL_NAMES = _names("KEY_ENROLL_")
DOWNLINK_NAMES = _names("DOWNLINK_")

RTYPE_NAMES = _names("RTYPE_")
HELLO_NAMES = _names("HELLO_")
FAULT_NAMES = _names("FAULT_")
FREEZE_NAMES = _names("FREEZE_")
CRASH_NAMES = _names("CRASH_")
RESULT_FIELD_NAMES = _names("RESULT_", only=_RESULT_FIELDS)

METRIC_NAMES = _names("METRIC_")
FMI_NAMES = _names("FMI_")
STATUS_NAMES = _names("STATUS_")
SEVERITY_NAMES = _names("SEVERITY_")
KIND_NAMES = _names("KIND_")
CRASHKIND_NAMES = _names("CRASHKIND_")
COMMAND_NAMES = _names("COMMAND_")
RESULT_NAMES = _names("RESULT_", but=_RESULT_FIELDS)
PUSHED_NAMES = _names("PUSHED_")
REFUSED_NAMES = _names("REFUSED_")
RESET_NAMES = _names("RESET_")
CERTAINTY_NAMES = _names("CERTAINTY_")
QUALITY_NAMES = _names("QUALITY_")
POLL_NAMES = _names("POLL_")
STATE_NAMES = _names("STATE_")

FMI_TEXTS = {
    registry.FMI_ABOVE_SEVERE: "above the normal range, most severe",
    registry.FMI_BELOW_SEVERE: "below the normal range, most severe",
    registry.FMI_ERRATIC: "erratic, intermittent or incorrect",
    registry.FMI_SHORTED_HIGH: "voltage above normal, or shorted high",
    registry.FMI_SHORTED_LOW: "voltage below normal, or shorted low",
    registry.FMI_OPEN: "current below normal, or open circuit",
    registry.FMI_GROUNDED: "current above normal, or grounded circuit",
    registry.FMI_MECHANICAL: "mechanical system not responding or out of adjustment",
    registry.FMI_ABNORMAL_PERIOD: "abnormal frequency, pulse width or period",
    registry.FMI_ABNORMAL_UPDATE: "abnormal update rate",
    registry.FMI_RATE_OF_CHANGE: "abnormal rate of change",
    registry.FMI_UNKNOWN_CAUSE: "cause not known",
    registry.FMI_BAD_DEVICE: "bad device or component",
    registry.FMI_CALIBRATION: "out of calibration",
    registry.FMI_SPECIAL: "special instructions",
    registry.FMI_ABOVE_LEAST: "above the normal range, least severe",
    registry.FMI_ABOVE_MODERATE: "above the normal range, moderately severe",
    registry.FMI_BELOW_LEAST: "below the normal range, least severe",
    registry.FMI_BELOW_MODERATE: "below the normal range, moderately severe",
    registry.FMI_NETWORK_DATA: "received network data in error",
    registry.FMI_DRIFT_HIGH: "drifted high",
    registry.FMI_DRIFT_LOW: "drifted low",
    registry.FMI_CONDITION: "condition exists",
}

# metric -> (text, unit, decimal exponent); units as SenML writes them, "" for a count.
METRIC_TEXTS = {
    registry.METRIC_UPTIME_S: ("uptime", "s", 0),
    registry.METRIC_HEAP_FREE: ("free heap", "B", 0),
    registry.METRIC_HEAP_MIN: ("least free heap", "B", 0),
    registry.METRIC_RSSI_DBM: ("Wi-Fi signal", "dBm", 0),
    registry.METRIC_WIFI_RECONNECTS: ("Wi-Fi reconnects", "", 0),
    registry.METRIC_MQTT_RECONNECTS: ("MQTT reconnects", "", 0),
    registry.METRIC_SUPPLY_MV: ("supply voltage", "V", -3),
    registry.METRIC_CPU_TEMP_DC: ("processor temperature", "Cel", -1),
    registry.METRIC_LOOP_MAX_MS: ("longest loop", "s", -3),
    registry.METRIC_SAMPLES: ("samples taken", "", 0),
    registry.METRIC_SENSOR_ERRORS: ("sensor errors", "", 0),
    registry.METRIC_OUTBOX_DEPTH: ("records in the outbox", "", 0),
    registry.METRIC_DROPS: ("records dropped", "", 0),
    registry.METRIC_ACTIVE_FAULTS: ("active faults", "", 0),
    registry.METRIC_RESET_CAUSE: ("reset cause", "", 0),
    registry.METRIC_HEAP_LARGEST: ("largest free block", "B", 0),
    registry.METRIC_CONFIG_VERSION: ("applied configuration", "", 0),
    registry.METRIC_FS_FREE_KB: ("free flash", "B", 3),
    registry.METRIC_STACK_MAX: ("deepest stack", "B", 0),
    registry.METRIC_ACK_LATENCY_MS: ("ack latency", "s", -3),
    registry.METRIC_OPERATED_S: ("operated in all", "s", 0),
    registry.METRIC_CRASH_FREE_S: ("operated without a crash", "s", 0),
    registry.METRIC_BOOTS: ("boots", "", 0),
    registry.METRIC_UNEXPECTED_RESETS: ("unexpected resets", "", 0),
    registry.METRIC_SYNCS: ("reports acknowledged", "", 0),
    registry.METRIC_FAILED_DNS: ("no address for the name", "", 0),
    registry.METRIC_FAILED_CONNECT: ("no connection", "", 0),
    registry.METRIC_FAILED_TLS: ("no TLS", "", 0),
    registry.METRIC_FAILED_SEND: ("sending failed", "", 0),
    registry.METRIC_FAILED_RECEIVE: ("no answer", "", 0),
    registry.METRIC_FAILED_REFUSED: ("refused by the other end", "", 0),
    registry.METRIC_FAILED_PROTOCOL: ("broken protocol", "", 0),
    registry.METRIC_FAILED_ACK: ("no valid ack", "", 0),
    registry.METRIC_FLASH_COMMITS: ("flash commits", "", 0),
    registry.METRIC_DROPPED_LOGS: ("logs dropped", "", 0),
    registry.METRIC_DROPPED_FAULTS: ("fault transitions dropped", "", 0),
    registry.METRIC_DROPPED_CRASHES: ("crashes dropped", "", 0),
    registry.METRIC_DROPPED_HEARTBEATS: ("heartbeats dropped", "", 0),
    registry.METRIC_DROPPED_UNREADABLE: ("records unreadable on flash", "", 0),
    registry.METRIC_DROPPED_OTHERS: ("other records dropped", "", 0),
    registry.METRIC_OPERATED_MS: ("operated in all", "s", -3),
    registry.METRIC_CRASH_FREE_MS: ("operated without a crash", "s", -3),
    registry.METRIC_FAILED_OFFLINE: ("no network to send over", "", 0),
    registry.METRIC_AWAKE_MS: ("awake", "s", -3),
    registry.METRIC_RADIO_MS: ("radio on", "s", -3),
    registry.METRIC_BYTES_UP: ("bytes up", "B", 0),
    registry.METRIC_BYTES_DOWN: ("bytes down", "B", 0),
    registry.METRIC_WAKES: ("wakes", "", 0),
    registry.METRIC_TEST: ("provoked by a test", "", 0),
}


def bit_names(names: "dict[int, str]", value: int) -> "list[str]":
    """The names of the bits that are set, lowest first."""
    return [name for bit, name in sorted(names.items()) if value & bit]
