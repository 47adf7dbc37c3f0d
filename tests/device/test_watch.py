"""Who is watched, who is late, and what the loop and the timer do about it."""

import gc

from phonehome.core.errors import ConfigError
from phonehome.core.watch import Watch
from phonehome.tasks.feeding import Feeding
from phonehome_wire import registry
from tests.fakes.hardware import Clock

LEFT_MS = 80000


class Kennel:
    """A dog, a box and a board in one: what was done to them stands in `told`."""

    timeout_ms = 8000

    def __init__(self):
        self.clock = Clock()
        self.told = []
        self.is_on = False
        self.running = "pump"
        self.watch = Watch(self.clock.ticks_ms, self.clock.ticks_diff)
        parts = (self, self, self)
        self.feeding = Feeding(self, self.watch, lambda: self.running, parts)

    def start(self):
        self.is_on = True
        self.told.append("start")

    def pause(self):
        self.is_on = False

    def feed(self):
        self.told.append("feed")

    def every(self, period_ms, callback):
        self.timer = (period_ms, callback)

    def now_ms(self):
        return self.clock.now_ms

    def mean(self, reason, name, _now_s):
        self.told.append((reason, name))

    def reboot(self):
        self.told.append("reboot")

    def after(self, span_ms, call):
        """What is told when a call is made after a time."""
        self.clock.now_ms += span_ms
        del self.told[:]
        call()
        return list(self.told)


def blame(name):
    """The word in retained memory about a stuck task."""
    return registry.RESET_WATCHDOG, name


def test_a_task_is_late_behind_its_own_deadline():
    """Each has its own; of several that are late the one that is longest over is named."""
    kennel = Kennel()
    pump = kennel.watch.add("pump", 5000)
    kennel.watch.add("send", 9000)
    kennel.clock.now_ms += 5000
    assert kennel.watch.maybe_late() is None
    kennel.clock.now_ms += 1
    assert kennel.watch.maybe_late().name == "pump"
    pump.feed()
    assert kennel.watch.maybe_late() is None
    kennel.clock.now_ms += 6000
    assert kennel.watch.maybe_late().name == "send"


def test_asking_takes_no_memory():
    """A check-in and a look at twenty tasks allocate nothing, over the wrap of the counter too."""
    kennel = Kennel()
    tasks = [kennel.watch.add(f"task{number}", 1000) for number in range(20)]
    if not hasattr(gc, "mem_alloc"):
        return  # CPython's integers are objects, a board's of 30 bits are not
    feed, ask = tasks[0].feed, kennel.watch.maybe_late
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(100):
        kennel.clock.now_ms += 13
        feed()
        ask()
    used = gc.mem_alloc() - before
    gc.enable()
    assert used <= 64  # the clock of the test


def test_an_application_that_stays_off_is_not_watched():
    """What it registered is forgotten; else every deadline starts at the start."""
    kennel = Kennel()
    kennel.watch.add("pump", 100)
    kennel.clock.now_ms += 1000
    kennel.watch.begin(is_app_started=True)
    assert kennel.watch.maybe_late() is None
    kennel.watch.begin(is_app_started=False)
    kennel.clock.now_ms += 1000
    assert kennel.watch.maybe_late() is None


def test_a_deadline_must_be_one():
    """Nothing, and more than the counter tells apart, is refused by name."""
    for deadline_ms in (0, -1, 2**29):
        try:
            Kennel().watch.add("pump", deadline_ms)
        except ConfigError as error:
            said = str(error)
        assert "'pump'" in said and str(deadline_ms) in said


def test_the_dog_is_fed_while_nobody_is_late():
    """A late task is named before the dog bites, and not to blame any more when it comes back."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    pump = kennel.watch.add("pump", 3000)
    assert kennel.after(2000, kennel.feeding.look) == ["feed"]
    assert kennel.after(2000, kennel.feeding.look) == [blame("pump")]
    assert kennel.after(2000, kennel.feeding.look) == []
    pump.feed()
    assert kennel.after(0, kennel.feeding.look) == [(0, ""), "feed"]


def test_who_holds_up_the_loop_is_named():
    """The timer names the running task in time, and leaves alone a late one that is named."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    period_ms, tick = kennel.timer
    assert period_ms == 1000
    kennel.watch.add("pump", 60000)
    kennel.feeding.look()
    assert kennel.after(5000, tick_of(tick)) == []
    assert kennel.after(1000, tick_of(tick)) == [blame("pump")]
    assert kennel.after(1000, tick_of(tick)) == []
    assert kennel.after(0, kennel.feeding.look) == [(0, ""), "feed"]


def tick_of(callback):
    """The call that a timer makes."""
    return lambda: callback(None)


def test_who_is_only_suspected_has_a_question_mark():
    """Where the running task is not known, the one that checked in last is named so."""
    kennel = Kennel()
    kennel.running = ""
    kennel.feeding.begin(0)
    assert kennel.after(6000, kennel.feeding.tick) == [blame("?")]
    kennel.feeding.look()
    kennel.watch.add("a long name of a task", 60000)
    kennel.feeding.look()
    assert kennel.after(6000, kennel.feeding.tick) == [blame("a long name ?")]
    assert len("a long name ?") == 13


def test_a_lookup_is_bridged_for_a_bounded_time():
    """While a call may hold up the loop the timer feeds; behind that time it blames."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    kennel.feeding.look()
    kennel.feeding.bridge(20000)
    assert kennel.after(6000, kennel.feeding.tick) == ["feed"]
    assert kennel.after(14000, kennel.feeding.tick) == ["feed"]
    assert kennel.after(1, kennel.feeding.tick) == [blame("pump")]
    kennel.feeding.bridge(0)
    kennel.feeding.look()
    assert kennel.after(6000, kennel.feeding.tick) == [blame("pump")]


def test_a_time_of_grace_ends_with_the_dog_on_duty():
    """A boot in service mode begins without a watchdog and has one when the time is over."""
    kennel = Kennel()
    kennel.feeding.begin(LEFT_MS)
    assert not kennel.is_on
    kennel.after(LEFT_MS - 1, kennel.feeding.tick)
    assert not kennel.is_on
    assert kennel.after(1, kennel.feeding.tick) == [(0, ""), "start"]
    assert kennel.after(6000, kennel.feeding.tick) == [blame("pump")]


def test_service_behind_an_interrupt_ends_in_a_reset():
    """Nobody comes back to the loop: when the time is over the board starts again, on purpose."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    kennel.feeding.serve(LEFT_MS, is_left=True)
    assert not kennel.is_on
    assert kennel.after(LEFT_MS - 1, kennel.feeding.tick) == ["feed"]
    told = kennel.after(1, kennel.feeding.tick)
    assert told[:2] == [(registry.RESET_COMMANDED, "service over"), "reboot"]


def test_service_of_a_running_agent_ends_with_the_dog_on_duty():
    """With the loop running the watchdog goes on when the time is over."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    kennel.feeding.serve(LEFT_MS, is_left=False)
    assert kennel.after(LEFT_MS, kennel.feeding.tick) == [(0, ""), "start"]


def test_a_clean_end_leaves_no_dog_behind():
    """A dog that sleeps needs no timer; one that cannot is fed for a time."""
    kennel = Kennel()
    kennel.feeding.begin(0)
    kennel.feeding.stop()
    assert kennel.timer == (0, None)
    kennel = Kennel()
    kennel.pause = lambda: None
    kennel.feeding.begin(0)
    kennel.feeding.stop()
    assert kennel.after(60000, kennel.feeding.tick) == ["feed"]
    assert "reboot" in kennel.after(600000, kennel.feeding.tick)
