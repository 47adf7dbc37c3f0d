"""An appliance on a battery: many sleeps, one boot, a word only when there is something to say."""

from phonehome.core.errors import ConfigError
from phonehome.sleeper import Sleeper
from phonehome_wire import registry
from tests.fakes.battery import (
    DeskLink,
    FakeBoard,
    FakeSleep,
    World,
    leak_product,
    make_folder,
)

MINUTE_MS = 60000
HOUR_MS = 3600000


def make_world(name, **words):
    """A leak sensor that wakes every minute."""
    words.setdefault("period_s", 60)
    return World(make_folder(name), leak_product, **words)


def wake_for(world, span_ms):
    """Wake as often as it does in this time."""
    until_ms = world.now_ms + span_ms
    while world.now_ms < until_ms:
        world.wake()


def kinds(world):
    """(kind, uptime) of every fault record that the desk has."""
    records = world.desk.records(registry.RTYPE_FAULT)
    return [(record.body.get(registry.FAULT_KIND, 0), record.ms) for record in records]


def metrics_of(world):
    """The newest value of each metric."""
    metrics = {}
    for record in world.desk.records(registry.RTYPE_HEARTBEAT):
        metrics.update(record.body)
    return metrics


def complaint(words):
    """What a ConfigError says about these words."""
    try:
        Sleeper(leak_product(), {}, sleep=object(), **words)
    except ConfigError as error:
        return str(error)
    return "nothing"


def test_sleeps_are_one_boot():
    """Hours of sleeps are one boot of the receiver's, with one hello and a heartbeat an hour."""
    world = make_world("day")
    wake_for(world, 8 * HOUR_MS)
    assert [boot for _, boot in world.reports] == [1] * 8
    assert len(world.desk.records(registry.RTYPE_HELLO)) == 1
    beats = [record.ms for record in world.desk.records(registry.RTYPE_HEARTBEAT)]
    assert beats == [hour * HOUR_MS for hour in range(8)]
    assert world.wakes == [8, 8 * 59]
    assert world.conversations == 8


def test_the_boot_settles_before_it_is_written():
    """A board that dies at each start writes nothing."""
    world = make_world("settle")
    world.config["settle_ms"] = 10000
    world.wake()
    assert world.reports == []
    assert world.asked_ms == 10000
    world.wake()
    assert [record.ms for record in world.desk.records(registry.RTYPE_HELLO)] == [10000]


def test_a_delay_counts_time_asleep():
    """Three sleeps of a minute are an on-delay of 150 s; the confirmed fault is told at once."""
    world = make_world("delay")
    world.wake()
    world.value = 60
    wake_for(world, 5 * MINUTE_MS)
    assert kinds(world) == [
        (registry.KIND_PENDING, MINUTE_MS),
        (registry.KIND_CONFIRMED, 4 * MINUTE_MS),
    ]
    assert [at - 5000 for at, _ in world.reports] == [0, 4 * MINUTE_MS]


def test_a_pending_fault_is_looked_at_more_often():
    """And is confirmed sooner for it, without a conversation of its own."""
    world = make_world("pending", pending_s=10)
    world.config["heartbeat_s"] = 86400
    product = leak_product

    def eager():
        made = product()
        made.channels[0].period_ms = 10000
        return made

    world._make_product = eager
    world.wake()
    world.value = 60
    wake_for(world, 5 * MINUTE_MS)
    assert kinds(world)[1] == (registry.KIND_CONFIRMED, MINUTE_MS + 150000)
    assert world.conversations == 2


def test_a_freeze_frame_has_a_row_for_each_wake():
    """What was measured before the fault, though the board slept in between."""
    world = make_world("frame")
    for value in (20, 21, 22, 23, 60, 61, 62, 63):
        world.value = value
        world.wake()
    frame = world.desk.records(registry.RTYPE_FAULT)[-1].body[registry.FAULT_FREEZE]
    assert frame[registry.FREEZE_PERIOD_MS] == MINUTE_MS
    assert frame[registry.FREEZE_CHANNELS] == {0: [0, 20, 1, 1, 1, 37, 1, 1, 1]}


def test_lost_memory_is_a_new_boot():
    """No id is used again, the confirmed fault is known from flash, and the hello says so."""
    world = make_world("lost")
    world.value = 60
    wake_for(world, 5 * MINUTE_MS)
    world.kept = b""
    wake_for(world, 5 * MINUTE_MS)
    hellos = world.desk.records(registry.RTYPE_HELLO)
    assert [record.boot for record in hellos] == [1, 2]
    assert world.desk.collisions == []
    assert [kind for kind, _ in kinds(world)] == [registry.KIND_PENDING, registry.KIND_CONFIRMED]


def test_a_board_that_died_awake_does_not_go_on():
    """What was kept is used once: a wake that ended otherwise has used numbers since."""
    world = make_world("died")
    wake_for(world, 2 * MINUTE_MS)
    FakeSleep(world, 1920).load()  # a wake takes it, and the power goes
    world.wake()
    assert [record.boot for record in world.desk.records(registry.RTYPE_HELLO)] == [1, 2]


def test_another_program_in_between_is_a_new_boot():
    """Flash tells of a later boot: this one does not go on with its numbers."""
    world = make_world("between")
    world.wake()
    kept = world.kept
    world.kept = b""
    world.wake()
    world.kept = kept
    world.value = 60
    wake_for(world, 5 * MINUTE_MS)
    assert world.desk.collisions == []
    assert sorted({record.boot for record in world.desk.stored.values()}) == [1, 2, 3]


def test_tries_again_after_a_pause_that_survives_sleep():
    """Back-off grows over the sleeps, and what waits on flash goes out in the end."""
    world = make_world("offline")
    world.wake()
    world.is_online = False
    world.value = 60
    wake_for(world, 2 * HOUR_MS)
    tried = world.conversations - 1
    assert 2 <= tried <= 40, tried
    world.is_online = True
    wake_for(world, 2 * HOUR_MS)
    assert [kind for kind, _ in kinds(world)] == [registry.KIND_PENDING, registry.KIND_CONFIRMED]
    assert len([event for event in world.events if event["event"] == "backoff"]) == tried


def test_a_lost_ack_loses_no_record():
    """The same ids come again, and are stored once."""
    world = make_world("acks")
    world.wake()
    world.value = 60
    world.loses_acks = True
    wake_for(world, 10 * MINUTE_MS)
    world.loses_acks = False
    wake_for(world, 3 * HOUR_MS)
    assert world.desk.collisions == []
    assert len(kinds(world)) == 2


def test_the_receivers_pause_is_kept():
    """An ack that asks for an hour of silence is obeyed by the wakes after it."""
    world = make_world("pause")
    world.desk.backoff_s = 3600
    world.wake()
    world.desk.backoff_s = None
    world.value = 60
    wake_for(world, HOUR_MS - 5 * MINUTE_MS)
    assert len(world.reports) == 1
    wake_for(world, 10 * MINUTE_MS)
    assert len(world.reports) == 2
    assert len(kinds(world)) == 2


def test_heartbeats_say_what_the_battery_went_into():
    """Wakes, time awake, time of the radio and bytes of this boot."""
    world = make_world("costs")
    world.talk_ms = 700
    wake_for(world, 8 * HOUR_MS)
    metrics = metrics_of(world)
    assert metrics[registry.METRIC_WAKES] > 3 * 60
    assert metrics[registry.METRIC_RADIO_MS] >= 3 * 700
    assert metrics[registry.METRIC_AWAKE_MS] >= metrics[registry.METRIC_RADIO_MS]
    assert metrics[registry.METRIC_BYTES_UP] > 3 * 90
    assert metrics[registry.METRIC_BYTES_DOWN] > 3 * 60


def test_flash_is_written_rarely():
    """A quiet day costs less than the twelve commits an hour of the wear budget by far."""
    world = make_world("wear")
    wake_for(world, 8 * HOUR_MS)
    metrics = metrics_of(world)
    assert metrics[registry.METRIC_FLASH_COMMITS] <= 2 * 8 + 6


def test_operating_time_is_counted_once():
    """Over sleeps and hourly saves the hours in all are the hours of this boot."""
    world = make_world("hours")
    wake_for(world, 8 * HOUR_MS)
    for record in world.desk.records(registry.RTYPE_HEARTBEAT):
        if registry.METRIC_OPERATED_MS in record.body:
            assert record.body[registry.METRIC_OPERATED_MS] == record.ms


def test_a_wrong_clock_is_learned():
    """A sleep clock 2 % too fast: heartbeats come hourly by the receiver's time all the same."""
    world = make_world("drift")
    world.drift_ppm = 20000
    wake_for(world, 8 * HOUR_MS)
    times = [at for at, _ in world.reports]
    errors_ms = [abs(times[i + 1] - times[i] - HOUR_MS) for i in range(len(times) - 1)]
    assert errors_ms[0] > 60000
    assert max(errors_ms[4:]) < 15000


def test_several_samples_a_wake():
    """N of M is judged within one wake, at the pace of the product."""
    world = make_world("samples", samples=3)

    def quick():
        product = leak_product(on_delay_ms=0, n=3, m=3)
        product.channels[0].period_ms = 500
        return product

    world._make_product = quick
    world.value = 60
    world.wake()
    assert kinds(world)[-1] == (registry.KIND_CONFIRMED, 1000)


def test_what_goes_wrong_sleeps_before_it_starts_again():
    """A crash at each wake must not empty the battery, and the next boot tells it."""
    world = make_world("crash")
    board = FakeBoard(world)
    board.print_exception = lambda error, stream=None: None
    sleeper = Sleeper(
        leak_product(),
        dict(world.config),
        sleep=FakeSleep(world, 1920),
        board=board,
        link=lambda hear: DeskLink(world, hear),
    )
    sleeper.sensor("water", lambda: 20)
    sleeper.wake()
    sleeper.sampler.step = None
    world.run(sleeper)
    assert (world.kept, world.asked_ms) == (b"", 60000)
    world.wake()
    crash = world.desk.records(registry.RTYPE_CRASH)[0].body
    assert crash[registry.CRASH_EXCEPTION] == "TypeError"
    assert [record.boot for record in world.desk.records(registry.RTYPE_HELLO)] == [1, 2]


def test_settings_are_checked():
    """An error names the setting, its value and what to write."""
    wrong = {"period_s": 0, "pending_s": 61, "samples": True, "awake_s": 601}
    for name, value in wrong.items():
        said = complaint({name: value})
        assert said.startswith(name + " = " + repr(value) + "; write"), said
