"""The agent for batteries: wakes, samples, judges, and sleeps again; speaks when it has to.

A wake with nothing to say imports neither the agent nor a network, and writes nothing to flash.
What it must not lose lies in memory that stays while the board sleeps (`ports.sleep`), so that
many sleeps are one boot: uptime, delays, windows, counts and the numbers of records go on.
"""

from phonehome_wire.compat import const

from .core.checked import load_checked
from .core.errors import ConfigError, DeviceError
from .core.faults import PENDING
from .core.keepsake import key_of, open_pack, pack, unpack
from .core.sampler import Sampler
from .core.schedule import Schedule
from .core.uptime import Uptime

_LONGEST_S = const(3600)  # the longest step of a freeze frame's rows
_LONGEST_PAUSE_MS = const(2000)  # between the samples of one wake


class LongUptime:
    """Milliseconds since the boot, sleeps included: `since_ms` had passed when `timer` began."""

    def __init__(self, since_ms: int, timer: Uptime) -> None:
        self._since_ms = since_ms
        self._timer = timer

    def now_ms(self) -> int:
        """Never goes back."""
        return self._since_ms + self._timer.now_ms()


class Sleeper:
    """A product's sensors and faults on a battery: `run` is all that main.py does with it.

    It wakes every `period_s`, every `pending_s` while a fault is pending, and when a heartbeat or
    another try is due. At a wake each sensor that is due is read, `samples` times at the pace of
    the product. `product` is the path of a compiled file or a Product; `config` as for the Agent,
    read only when there is something to say; `awake_s` bounds how long that may take. `sleep` (as
    in `ports.sleep`), `board` and `link` can be given. `on_event` hears the agent's events, woke
    and asleep. Raises ConfigError and ProductError, which say what to change.
    """

    def __init__(
        self,
        product,
        config,
        period_s: int = 60,
        pending_s: "int | None" = None,
        samples: int = 1,
        awake_s: int = 60,
        sleep=None,
        board=None,
        on_event=None,
        link=None,
    ) -> None:
        pending_s = period_s if pending_s is None else pending_s
        _check("period_s", period_s, _LONGEST_S)
        _check("pending_s", pending_s, period_s)
        _check("samples", samples, 30)
        _check("awake_s", awake_s, 600)
        self.product = load_checked(product) if isinstance(product, str) else product
        self._make_voice = (config, board, on_event, link)
        self._on_event = on_event
        self._period_ms = period_s * 1000
        self._samples = samples
        self._awake_s = awake_s
        self._sleep = sleep or _make_sleep(config)
        self.schedule = Schedule(self._period_ms, pending_s * 1000)
        self._readers: dict = {}
        self._voice = None  # the agent, while it is loaded
        self._kept_voice = b""
        self._key = b""
        self.sampler: Sampler | None = None
        self.uptime: LongUptime | None = None

    def sensor(self, name: str, reader, scaled: bool = False) -> None:
        """Give a sensor its reader, as for the Agent."""
        self.product.channel(name).is_scaled = scaled
        self._readers[name] = reader if callable(reader) else reader.read

    def rule(self, code: str, predicate) -> None:
        """Give the Python rule of a fault its function; what that remembers is lost in a sleep."""
        self.product.rule(code, predicate)

    def run(self) -> None:
        """Wake and sleep for ever; where memory does not stay, the program ends with each sleep.

        What goes wrong, other than a mistake in the settings, is kept in the black box, and the
        board starts again.
        """
        try:
            while True:
                wait_ms = self.wake()
                self.fall_asleep(wait_ms)
        except DeviceError:
            raise  # for the developer, who is still there
        except Exception as error:  # outermost: the next boot reports it
            self._expect_voice().give_up(error, self._period_ms)

    def wake(self) -> int:
        """Do what is due and return how many ms to sleep."""
        if self.sampler is None:
            self._begin()
        schedule, uptime = self.schedule, self.uptime
        schedule.wakes += 1
        self._look()
        is_loud = schedule.has_to_speak(uptime.now_ms()) or self._has_news
        if is_loud:
            self._expect_voice().speak(schedule, self._awake_s)
        now_ms = uptime.now_ms()
        if self._voice is not None:
            schedule.retry_ms = self._voice.next_try_ms(now_ms)
        schedule.awake_ms += self._sleep.awake_ms()
        is_pending = _has_pending(self.sampler.faults)
        wait_ms: int = schedule.fall_asleep(now_ms, self._sleep.wall_ms(), is_pending)
        self._emit("asleep", uptime_ms=now_ms, wait_ms=wait_ms, is_silent=not is_loud)
        return wait_ms

    def fall_asleep(self, wait_ms: int) -> None:
        """Sleep; comes back only where memory stays."""
        sleep = self._sleep
        if sleep.keeps_memory:
            sleep.sleep(wait_ms, b"")
            return
        voice = self._voice.keep() if self._voice else self._kept_voice
        sleep.sleep(wait_ms, pack(self._key, self.schedule, voice, self.sampler, sleep.room))

    def _begin(self) -> None:
        """Take up where the last sleep began, or begin a boot."""
        sleep, product, schedule = self._sleep, self.product, self.schedule
        # Rows of a time in which nobody looked are of no use in a freeze frame.
        product.freeze_period_ms = max(product.freeze_period_ms, self._period_ms)
        timer = Uptime(sleep.ticks, sleep.elapsed)
        kept = sleep.load()
        self._key = b"" if sleep.keeps_memory else key_of(product)
        reader = open_pack(self._key, kept) if kept else None
        if reader is None:
            self.uptime = LongUptime(0, timer)
            self.sampler = self._expect_voice().begin(self._readers, schedule)
            return
        self.sampler = Sampler(product, self._readers, self._pass_on)
        self._kept_voice = unpack(reader, schedule, self.sampler)
        self.uptime = LongUptime(schedule.wake_up(sleep.wall_ms()), timer)

    def _look(self) -> None:
        """Read what is due and judge it, as often as asked."""
        uptime, sampler, schedule = self.uptime, self.sampler, self.schedule
        now_ms = uptime.now_ms()
        self._draw_near(now_ms - schedule.stepped_ms)
        next_ms = sampler.step(now_ms)
        for _ in range(self._samples - 1):
            pause_ms = next_ms - uptime.now_ms()
            if pause_ms > _LONGEST_PAUSE_MS:
                break
            self._sleep.pause(max(pause_ms, 1))
            now_ms = uptime.now_ms()
            next_ms = sampler.step(now_ms)
        schedule.stepped_ms = now_ms

    def _draw_near(self, span_ms: int) -> None:
        """Make due what is nearly due."""
        for channel in self.product.channels:
            if 0 < channel.wait_ms - span_ms <= self.schedule.slack_ms:
                channel.wait_ms = span_ms

    @property
    def _has_news(self) -> bool:
        return self._voice is not None and self._voice.has_news

    def _pass_on(self, fault, kind: int, now_ms: int, frame) -> None:
        """A fault changed on a wake that was silent so far."""
        self._expect_voice().tell(fault, kind, now_ms, frame)

    def _expect_voice(self):
        """The agent: loaded when there is something to say."""
        if self._voice is None:
            from . import collect_often
            from .voice import Voice

            collect_often()
            config, board, on_event, link = self._make_voice
            self._voice = Voice(
                *(self.product, config, board, self.uptime, on_event, link, self._sleep),
                bool(self._kept_voice),
            )
            if self._kept_voice:
                self._voice.resume(self._kept_voice, self.sampler)
        return self._voice

    def _emit(self, name: str, **facts) -> None:
        if self._on_event is not None:
            self._on_event(name, **facts)


def _has_pending(faults) -> bool:
    states = [faults.state(index) for index in range(len(faults))]
    return PENDING in states


def _check(name: str, value, greatest: int) -> None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= greatest:
        raise ConfigError("%s = %r; write a whole number in 1..%d" % (name, value, greatest))


def _make_sleep(config):
    from .ports.sleep import find_sleep

    return find_sleep(config)
