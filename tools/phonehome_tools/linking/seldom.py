"""Methods whose code is on the heap only while it is needed: by class, in what is loaded at once.

A method that is not here stays with its class. What waits for long must stay, as a coroutine keeps
the module that it is of; so must what runs for every sample, what the watchdog's timer calls, and
what a crash needs when there is no memory left.
"""

from typing import Final

FINDER: Final = "phonehome.core.seldom"
ROOM: Final = "phonehome.core.reporting"

# Objects that are made once.
_MAKING: Final = {
    "phonehome.agent.Agent": "__init__ getLogger _join _make_sampler _make_sending",
    "phonehome.core.birth.Birth": "__init__ has_past",
    "phonehome.core.blackbox.BlackBox": "__init__",
    "phonehome.core.clock.Clock": "__init__",
    "phonehome.core.debounce.Debounce": "__init__",
    "phonehome.core.faults.FaultTable": "__init__",
    "phonehome.core.freeze.FreezeRing": "__init__",
    "phonehome.core.gates.Gates": "__init__",
    "phonehome.core.identity.Identity": "__init__ use",
    "phonehome.core.inflight.InFlight": "__init__",
    "phonehome.core.logring.LogRing": "__init__",
    "phonehome.core.pace.Pace": "__init__",
    "phonehome.core.product.Product": "__init__ add",
    "phonehome.core.reporter.Reporter": "__init__",
    "phonehome.core.sampler.Sampler": "__init__",
    "phonehome.core.session.Session": "__init__",
    "phonehome.core.waiting.Waiting": "__init__",
    "phonehome.core.watch.Watch": "__init__",
    "phonehome.ports.board.Board": "__init__ device_id make_retained memory platform reset_cause "
    "_maybe_import",
    "phonehome.ports.files.Folder": "__init__ names",
    "phonehome.ports.retained.Retained": "__init__ read",
    "phonehome.ports.state.State": "__init__ load",
    "phonehome.ports.watchdog.Watchdog": "__init__",
    "phonehome.reaching.Reaching": "__init__",
    "phonehome.tasks.feeding.Feeding": "__init__",
    "phonehome.tasks.sending.Sending": "__init__",
    "phonehome.tasks.supervising.Supervising": "__init__",
}
# What a developer's program asks for, the start and the end.
_ASKING: Final = {
    "phonehome.agent.Agent": "command faults reset_reason rule sensor service shelve start stats "
    "watch",
    "phonehome.core.faults.FaultTable": "restore",
    "phonehome.core.product.Product": "catalog channel fault index_of rule sensor",
    "phonehome.core.sampler.Sampler": "clear has_silence restore shelve",
    "phonehome.core.watch.Watch": "add begin",
    "phonehome.ports.board.Board": "make_watchdog set_clock",
    "phonehome.ports.watchdog.Watchdog": "pause",
    "phonehome.reaching.Reaching": "_fetch_time",
    "phonehome.tasks.feeding.Feeding": "begin serve stop",
    "phonehome.tasks.supervising.Supervising": "begin reboot serve start stop sustain tell_past "
    "watch "
    "_count",
}
# A report, its answer, and a failure.
_REPORTING: Final = {
    "phonehome.agent.Agent": "_reboot_if_asked _rotate_key",
    "phonehome.core.backoff.Backoff": "next_ms reset span_ms",
    "phonehome.core.clock.Clock": "hear hear_time is_anchored note_signed quality utc_ms",
    "phonehome.core.faults.FaultTable": "active_count",
    "phonehome.core.inflight.InFlight": "begin fail fail_unread hear_command settle _is_named",
    "phonehome.core.pace.Pace": "fail failures hold lose succeed",
    "phonehome.core.reporter.Reporter": "add_result compose compose_state fail hear note_failure",
    "phonehome.core.sampler.Sampler": "errors",
    "phonehome.core.waiting.Waiting": "dropped",
    "phonehome.ports.board.Board": "heap_free",
    "phonehome.ports.files.Folder": "free_kb",
    "phonehome.tasks.sending.Sending": "follow note_loss _back_off _judge_ack _keeps_link",
    "phonehome_wire.metrics.Metrics": "__init__ clear ids put _insert",
}
# A record, and what goes to flash behind it or by and by.
_KEEPING: Final = {
    "phonehome.agent.Agent": "_keep_faults",
    "phonehome.core.blackbox.BlackBox": "clear tell_as",
    "phonehome.core.debounce.Debounce": "failing_ms",
    "phonehome.core.freeze.FreezeRing": "capture channel_id exp",
    "phonehome.core.silence.Silence": "__init__ forget lets_pass shelve shelved_ms _end_if_due",
    "phonehome.core.faults.FaultTable": "clear maybe_find occurrence snapshot status",
    "phonehome.core.reporter.Reporter": "add_crash add_fault add_hello add_log",
    "phonehome.core.sampler.Sampler": "silence snapshot tell _lets_pass",
    "phonehome.core.session.Session": "begin crash_free_s end keep_floor note_crash operated_s "
    "take_seq _save _save_if_kept",
    "phonehome.ports.files.Folder": "append read remove rename write",
    "phonehome.ports.state.State": "save _open",
}

# A connection that is made, or made again.
_CONNECTING: Final = {
    "phonehome.ports.stream.Stream": "__init__ _begin _doubt_address _find_address _is_literal "
    "_note_silence _resolve _wrap write",
    "phonehome.ports.wifi.WiFi": "__init__ leave rssi_dbm",
}
_HTTP: Final = {
    "phonehome.ports.http.HTTPLink": "__init__ _count_body _has_head _judge _make_request "
    "_parse_number _parse_status _readable",
    "phonehome.ports.stream.Stream": "maybe_line",
}
_MQTT: Final = {
    "phonehome.ports.mqtt.MQTTLink": "__init__ _is_answer _write_connect _write_online "
    "_write_subscribe",
}
# A packet.
_TALKING: Final = {
    "phonehome.ports.mqtt.MQTTLink": "_count_lacking _load_client _take _take_apart _topic "
    "_write_ping _write_publish",
}

SELDOM: Final = {
    "making": _MAKING,
    "asking": _ASKING,
    "reporting": _REPORTING,
    "keeping": _KEEPING,
    "connecting": _CONNECTING,
    "http": _HTTP,
    "mqtt": _MQTT,
    "talking": _TALKING,
}
