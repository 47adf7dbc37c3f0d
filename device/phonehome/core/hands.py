"""What a command may take in hand: the parts of an agent, and of nothing else.

The one place beside the agent that knows its parts; made for one command, and dropped with it.
"""
# ruff: noqa: SLF001

from phonehome_wire.compat import const

from .channel import MISSING

# Folded away on a board; a test holds them to the wire's registry and limits.
_METRIC_CONFIG_VERSION = const(16)


class Hands:
    """The parts of an agent by name, and what time it is there."""

    def __init__(self, agent) -> None:
        self.agent = agent
        self.birth = agent._birth
        self.board = agent.board
        self.config = agent.config
        self.functions = agent._functions
        self.log = agent._log
        self.now_ms = agent.uptime.now_ms()
        self.outbox = agent.outbox
        self.product = agent.product
        self.replaced = agent._replaced  # settings of the file or the product, by pushed key
        self.reporter = agent._reporter
        self.ring = agent._ring
        self.rotate_key = agent._rotate_key
        self.sampler = agent._sampler
        self.sending = agent._sending
        self.session = agent._session
        self.slots = agent._pushed_slots

    @property
    def folder(self):
        """Where the agent keeps its files."""
        return self.agent._folder

    @property
    def link(self):
        """The way to the receiver."""
        return self.agent._link

    @property
    def tasks(self):
        """What runs the agent's loops."""
        return self.agent._tasks

    @property
    def wifi(self):
        """The Wi-Fi, or None."""
        return self.agent._wifi

    def sending_state(self) -> tuple:
        """(the phase that fails or "", ms to the next try or None) of talking to the receiver."""
        agent = self.agent
        return self.sending._failed, self.sending._pace.wait_ms(agent._timer.now_ms())

    def send_now(self) -> None:
        """Try once, with a heartbeat, whatever back-off says: somebody stands beside the board."""
        self.sending._pace._paused_until_ms = 0
        self.reporter.beat()
        self.sending.ask(is_urgent=True)

    @property
    def has_watchdog(self) -> bool:
        """True while a watchdog would end a loop that hangs."""
        feeding = self.tasks._feeding
        return feeding is not None and feeding._dog.is_on

    def start(self, coroutine, name: str) -> None:
        """Start a task of this name."""
        self.tasks.start(coroutine, name)

    def forget_ended(self) -> None:
        """Forget the tasks that have ended: each holds the code it was made of."""
        tasks = self.tasks._tasks
        for task in [task for task in tasks if task.done()]:
            tasks.pop(task)

    def has_task(self, name: str) -> bool:
        """Whether a task of this name goes on."""
        tasks = self.tasks._tasks
        return name in [tasks[task] for task in tasks if not task.done()]

    def hear_transitions(self, tell) -> None:
        """Have `tell` hear of transitions in the agent's place; None: the agent itself again."""
        self.sampler._on_transition = tell or self.agent._on_transition

    def tell_transition(self, state, kind: int, now_ms: int, frame, context) -> None:
        """Record a transition, with Metrics as its context or None."""
        self.agent._on_transition(state, kind, now_ms, frame, context)

    def keep_faults(self) -> None:
        """The states of faults to flash, where they changed."""
        self.agent._keep_faults()

    def read_from(self, sensor: int, reader):
        """Give a sensor this reader; return the one it had."""
        readers = self.sampler.readers
        had, readers[sensor] = readers[sensor], reader
        return had

    def forget_samples(self, sensor: int) -> None:
        """No sample of a sensor that was taken so far is one."""
        ring = self.sampler.ring
        self.sampler.channels[sensor].value = MISSING
        for at in range(sensor, len(ring._steps), ring.channel_count):
            ring._steps[at] = MISSING

    def begin_trial(self, trial) -> None:
        """A pushed configuration is on trial (core.trial) from now on; None: no more."""
        self.agent._trial = trial

    def ask_reboot(self, is_asked: bool) -> None:
        """Reset, or not, once the receiver has acknowledged what there is to say."""
        self.agent._reboot_asked = is_asked

    def reboot(self, name: str) -> None:
        """Reset now; the next hello has the name."""
        self.agent._tasks.reboot(name)

    def tell_config(self, state: str) -> None:
        """Something became of a pushed configuration: an event, a line, and a heartbeat soon."""
        self.agent._next_metric = _METRIC_CONFIG_VERSION
        self.agent._emit("config", version=self.session.config_version, state=state)
        self.reporter.beat()
        if self.sending is not None:  # else it is asked for by the start
            self.sending.ask(is_urgent=False)
