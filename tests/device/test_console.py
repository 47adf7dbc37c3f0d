# cpython-only
"""The console of a running agent, typed at behind a pseudo-terminal."""

import hashlib
import signal

import pexpect
import pytest

from phonehome.console.commands import ALIASES, COMMANDS
from phonehome.console.words import WORDS
from phonehome.core.settings import KNOWN
from phonehome_wire import registry
from tests.fakes.board import DEVICE
from tests.fakes.typing_board import PROMPT, TypingBoard

SALT = bytes(range(16))
PIN = "4711"


def hash_of(pin, iterations=50):
    """What the setting `pin` is, by the standard library."""
    digest = hashlib.pbkdf2_hmac("sha256", pin.encode(), SALT, iterations)
    return f"pbkdf2-sha256${iterations}${SALT.hex()}${digest.hex()}"


@pytest.fixture
def make(micropython, micropython_environment, tmp_path):
    """A board with settings; each call boots the same one again."""

    def start(**settings):
        return TypingBoard(micropython, micropython_environment, tmp_path, **settings)

    return start


def test_every_command_has_words_and_every_alias_a_command():
    """Help tells of all commands and of no others."""
    assert {name for name, _, _ in WORDS} == set(COMMANDS)
    assert {phrase.split()[0] for phrase in ALIASES.values()} <= set(COMMANDS)


def test_both_forms_say_the_same(make):
    """Each command that only asks answers in lines and in one line of JSON, by the same names."""
    with make() as board:
        for name in ("status", "version", "net", "queue", "heap", "reset-reason", "stats"):
            lines = board.answer(name)
            told = board.ask(name)
            assert told.pop("command") == name
            assert [line.split(":")[0] for line in lines if '"event"' not in line] == list(told)
        assert board.ask("status")["device"] == DEVICE.hex()
        assert board.ask("get_device_info")["product"] == "bench"
        names = [row["name"] for row in board.ask("help")["commands"]]
        assert set(names) == set(COMMANDS)
        config = board.ask("config")
        assert [name for name in KNOWN if name not in config] == []
        assert config["pin"] == ""


def test_what_is_asked_is_true(make):
    """Sensors, faults, frame, queue and log tell what the agent knows."""
    with make() as board:
        (flow,) = board.ask("sensors")["sensors"]
        assert (flow["name"], flow["value"], flow["unit"]) == ("flow", 8.0, "L/min")
        assert board.ask("faults")["faults"] == []
        board.flow.write_text("2.0")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
        (fault,) = board.ask("faults")["faults"]
        assert (fault["code"], fault["state"], fault["value"]) == ("E21", "confirmed", 2.0)
        frozen = board.ask("freeze E21")
        assert frozen["frame"].startswith("record 1/")
        assert [row["flow"] for row in frozen["samples"]][-1] == 2.0
        assert frozen["samples"][-1]["ms"] == 0
        queue = board.ask("queue")
        assert queue["records_waiting"] == queue["hello"] + queue["fault"] >= 2
        assert any(line["text"] == "alive and well" for line in board.ask("log")["lines"])
        checks = {row["name"]: row["result"] for row in board.ask("selftest")["checks"]}
        assert (checks["flash"], checks["outbox"], checks["receiver"]) == ("ok", "ok", "failed")


def test_bad_words_name_the_right_ones(make):
    """One line says which word, and what would have been right; the next command works."""
    with make() as board:
        for line, wanted in {
            "reboott": "try reset-reason or restart",
            "status now": "status takes no words",
            "freeze E99": "want one of E21",
            "freeze": "want one of E21",
            "sensors watch depth": "want one of flow",
            "shelve E21 soon": "as in 90s, 30m, 2h",
            "shelve E21": "as in 'shelve E21 30m'",
            "test dance": "want crash, hang, oom",
            "test sensor flow high": "want a number in L/min",
            "test fault E21 2h": "1s..1h",
            "service 241": "1..240",
            "config server x": "can be changed here: heartbeat_s",
            "config ack_s 301": "1..300",
            "log loud": "want one of debug",
            "x" * 1500: "too long",
        }.items():
            board.type(line)
            board.terminal.expect(r"error: ([^\n]*)\n")
            assert wanted in board.terminal.match[1]
        assert board.ask("freeze E99")["error"].startswith("freeze 'E99'")
        assert board.ask("version")["product"] == "bench"


def test_watching_ends_with_a_key(make):
    """A line each second with the newest value, in JSON an object each, until a key is hit."""
    with make() as board:
        board.type("sensors watch")
        board.terminal.expect_exact("flow=8.0\n")
        board.flow.write_text("7.5")
        board.terminal.expect_exact("flow=7.5\n")
        board.terminal.send("q")
        board.terminal.expect_exact(PROMPT)
        board.type("sensors watch --json")
        for _ in range(2):
            board.terminal.expect(
                r'\{"command": "sensors", "uptime_ms": \d+, "sensors": [^\n]*\}\n'
            )
        board.terminal.send(" ")
        board.terminal.expect_exact(PROMPT)


def test_a_simulated_sensor_is_told_as_a_test_and_ends(make):
    """The fault comes and goes marked; afterwards states, readings and the ring are as before."""
    with make() as board:
        before = board.answer("faults all")
        board.answer("test sensor flow 2.5 2s")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
        assert board.ask("sensors")["sensors"][0]["value"] == 2.5
        assert "another one goes on" in board.ask("test sensor flow 3")["error"]
        board.expect_event("transition", code="E21", kind=registry.KIND_CLEARED)
        ring = {row["flow"] for row in board.ask("freeze E21")["samples"]}
        assert board.answer("faults all") == before
        assert board.ask("sensors")["sensors"][0]["value"] == 8.0
        assert board.ask("test fault E21 1s")["test"] == "fault E21"
        assert 2.5 in ring  # of the record, which says that it is of a test


def test_only_the_test_is_marked(make, micropython, tmp_path):
    """What waits on flash says it: records of a test carry the metric, real ones do not."""
    with make() as board:
        board.answer("test sensor flow 2.5 1s")
        board.expect_event("transition", code="E21", kind=registry.KIND_CLEARED)
        board.flow.write_text("2.0")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
        board.ask("queue")
    marked = [fault.get(registry.FAULT_CONTEXT) for fault in faults_on(tmp_path / "flash")]
    test = {registry.METRIC_TEST: 1}
    assert marked[-1] is None
    assert len(marked) >= 3 and all(context in (test, None) for context in marked)
    assert marked[0] == test


def test_a_power_cut_in_a_test_leaves_no_fault(make):
    """What a test confirmed is no state of the next boot: a real fault is told by it as ever."""
    with make() as board:
        board.answer("test sensor flow 2.5 1h")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
    with make() as board:
        assert board.ask("faults")["faults"] == []
        board.flow.write_text("2.0")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)


def faults_on(flash):
    """The bodies of the fault records in an outbox, in their order."""
    from phonehome.core.outbox import Outbox
    from phonehome.ports.files import Folder
    from phonehome.ports.segments import Segments
    from phonehome_wire.decoder import decode

    records = [
        decode(bytes(r)) for r in Outbox(Segments(Folder(str(flash))), b"none").live_records()
    ]
    return [record[4] for record in records if record[0] == registry.RTYPE_FAULT]


def test_a_crash_on_purpose_says_so(make):
    """The agent goes on; the exception is named as a test, also where the heap was full."""
    with make() as board:
        board.answer("test crash")
        board.expect_event("crash", exception="ConsoleTestError")
        board.answer("test oom")
        board.expect_event("crash", exception="ConsoleTestMemoryError")
        assert board.ask("queue")["crash"] == 2
        assert "no watchdog is on" in board.ask("test hang")["error"]


def test_shelving_and_clearing(make):
    """A shelf is told with the fault, 0 ends it; a cleared fault begins anew."""
    with make() as board:
        board.answer("shelve E21 30m")
        assert 1700 < board.ask("faults all")["faults"][0]["shelved_s"] <= 1800
        board.answer("shelve E21 0")
        board.flow.write_text("2.0")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
        board.flow.write_text("8.0")
        assert board.ask("clear E21")["cleared"] == 1


def test_restart_is_told_by_the_next_boot(make):
    """The program ends; the boot after it was commanded, from the console."""
    with make(dog=True) as board:
        board.type("restart")
        board.terminal.expect_exact("restart: now")
        board.terminal.expect(pexpect.EOF)
    with make(dog=True) as board:
        told = board.ask("reset-reason")
        assert (told["reset"], told["name"]) == ("commanded", "console")


def test_it_is_there_when_the_application_stays_off(make):
    """Three boots died young: the fourth has no application, but answers, and says so."""
    for _ in range(3):
        with make(dog=True, quit=1) as board:
            board.terminal.expect(pexpect.EOF)
    with make(dog=True) as board:
        status = board.ask("status")
        assert status["application"].startswith("off")
        assert board.ask("reset-reason")["boots_died_young"] == 3
        assert board.ask("sensors")["sensors"][0]["value"] is None


def test_a_guarded_command_wants_the_pin(make):
    """Not echoed, asked for once in ten minutes, in the log and the settings never."""
    with make(pin=hash_of(PIN)) as board:
        board.type("clear all")
        board.terminal.expect_exact("PIN: ")
        board.type(PIN)
        board.terminal.expect_exact("cleared: 0\n")
        board.terminal.expect_exact(PROMPT)
        assert PIN not in board.terminal.before
        assert board.ask("config heartbeat_s 60")["heartbeat_s"] == 60
        shown = str([board.ask("config"), board.ask("log"), board.ask("status")])
        assert board.ask("config")["pin"] == "***"
        assert PIN not in shown and SALT.hex() not in shown
        board.terminal.send("\x04")  # leaves: the next one is asked again
        board.type("unlock")
        board.terminal.expect_exact("PIN: ")


def give(board, pin):
    """Try to unlock; what the board says."""
    board.type("unlock")
    board.terminal.expect_exact("unlock\n")
    if board.terminal.expect_exact(["PIN: ", "error: PIN: wait"]) == 1:
        board.terminal.expect_exact(PROMPT)
        return "wait"
    board.type(pin)
    board.terminal.expect(r"\n(error: [^\n]*|unlocked: yes)\n" + PROMPT)
    return board.terminal.match[1]


def test_wrong_pins_cost_time_also_behind_a_restart(make):
    """One slip is free, then the wait grows; power off and on does not shorten it."""
    with make(pin=hash_of(PIN)) as board:
        assert "next try in 0 s" in give(board, "0815")
        assert "next try in 4 s" in give(board, "0816")
        assert give(board, PIN) == "wait"
    with make(pin=hash_of(PIN)) as board:
        assert give(board, PIN) == "wait"
        while (said := give(board, PIN)) == "wait":
            board.ask("version")
        assert said == "unlocked: yes"


def test_a_paste_of_4_kb_does_not_hang(make):
    """Long lines, short lines and noise at once: each line is answered, and then the next."""
    paste = b"status --json\r" * 20 + b"y" * 3000 + b"\r" + bytes(range(128, 256)) * 6 + b"\xc3\r"
    with make() as board:
        board.terminal.send(paste.decode("latin-1"))
        for _ in range(20):
            board.terminal.expect(r'\{"command": "status", [^\n]*\}\n')
        board.terminal.expect_exact("too long")
        assert board.ask("version")["product"] == "bench"


def test_ctrl_c_ends_the_program_as_ever(make):
    """KeyboardInterrupt reaches whoever ran the agent, whatever the console is doing."""
    with make() as board:
        board.type("sensors watch")
        board.terminal.expect_exact("flow=8.0\n")
        board.terminal.send("\x03")
        board.terminal.expect_exact("KeyboardInterrupt")


def test_an_input_that_ends_is_left_alone(make):
    """Whoever is at the other end goes: the agent goes on without a console."""
    with make() as board:
        board.ask("version")
        board.terminal.kill(signal.SIGCONT)
        board.flow.write_text("2.0")
        board.expect_event("transition", code="E21", kind=registry.KIND_CONFIRMED)
