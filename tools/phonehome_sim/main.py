"""A virtual board: `micropython -X heapsize=416k main.py board.json` runs the real agent.

Samples come from a model, from the computer or from recorded rows; faults are switched by script
or by lines on standard input. What happens goes to standard output, one JSON object a line. The
end of standard input ends the board: whoever started it is gone.
"""

import asyncio
import json
import sys

from phonehome.agent import Agent
from phonehome_sim.driving import make_driver
from phonehome_sim.output import Output
from phonehome_sim.scripting import FaultScript
from phonehome_sim.sources import make_source
from phonehome_wire.registry import KIND_CLEARED, KIND_CONFIRMED, KIND_HEALED, KIND_PENDING
from phonehome_wire.series import MISSING

_KINDS = {
    KIND_CONFIRMED: "confirmed",
    KIND_PENDING: "pending",
    KIND_HEALED: "healed",
    KIND_CLEARED: "cleared",
}
# At the end the outbox gets so long to be acknowledged.
_DRAIN_S = 20
_LOOK_S = 0.02
# Application commands of these appliances: {0: fault, 1: on}; whether no program runs (1 or 0);
# {channel: number in steps of its exponent}, of every sensor that can be read; and {channel: 1
# good, 0 open, 2 not switched} of what can test itself.
_COMMAND_SWITCH = 128
_COMMAND_IS_IDLE = 129
_COMMAND_REREAD = 130
_COMMAND_SELFTEST = 132


class VirtualBoard:
    """One appliance: its agent, its source of samples, its driver of time and its console."""

    def __init__(self, setup):
        self._setup = setup
        self._source = make_source(setup["source"])
        self._script = FaultScript(setup.get("faults") or [])
        self._driver = make_driver(setup, self._source)
        self.agent = Agent(
            setup["product"],
            setup["config"],
            uptime=self._driver.uptime,
            clock=self._driver.clock,
            on_event=self.tell,
        )
        self.agent.command(_COMMAND_SWITCH, self._obey)
        self.agent.command(_COMMAND_IS_IDLE, lambda _args: int(self._source.is_idle))
        self.agent.command(_COMMAND_REREAD, self._reread)
        self.agent.command(_COMMAND_SELFTEST, self._test)
        self._output = Output(self.agent.uptime)
        self._channels = self.agent.product.channels
        for name in self._source.names or [channel.name for channel in self._channels]:
            self.agent.sensor(name, self._source.reader(name))

    async def run(self):
        """Live until the driver is done or the console is closed, then end cleanly."""
        await self.agent.start()
        showing = asyncio.create_task(self._show())
        driving = asyncio.create_task(self._drive())
        console = asyncio.create_task(self._listen(driving))
        try:
            await driving
        except asyncio.CancelledError:
            pass
        console.cancel()
        showing.cancel()
        self._show_once()
        await self.agent.stop()
        self.tell("end")

    def live(self, now_ms):
        """Let the appliance run until now, with the faults that are due."""
        for name, on in self._script.due(now_ms):
            self._switch(name, on)
        self._source.step(now_ms)

    def tell(self, event, **facts):
        """Write one event; transitions get words for numbers."""
        if event == "transition":
            facts["kind"] = _KINDS[facts["kind"]]
            if self._driver.clock is not None:
                facts["utc_ms"] = self._driver.clock.utc_ms(self.agent.uptime.now_ms())
        self._output.write(event, **facts)

    async def _drive(self):
        await self._driver.run(self)
        left_s = _DRAIN_S
        while self.agent.outbox.depth and left_s > 0:
            self.live(self.agent.uptime.now_ms())
            await asyncio.sleep(_LOOK_S)
            left_s -= _LOOK_S

    async def _listen(self, driving):
        """Commands, one JSON object a line: fault and on, or stop."""
        reader = asyncio.StreamReader(sys.stdin)
        while True:
            line = await reader.readline()
            words = json.loads(line) if line else {"stop": True}
            if words.get("stop"):
                driving.cancel()
                return
            self._switch(words["fault"], words["on"])

    def _obey(self, args):
        """Switch a fault by command; the value is the phase of the appliance."""
        self._switch(args[0], args[1])
        return self._source.phase

    def _reread(self, _args):
        """The newest sample of each sensor."""
        return {c.id: c.value for c in self._channels if c.value != MISSING}

    def _test(self, _args):
        """What the appliance finds when it tests itself, by channel."""
        found = self._source.test()
        return {c.id: found[c.name] for c in self._channels if c.name in found}

    def _switch(self, fault, on):
        try:
            self._source.switch(fault, on)
        except KeyError:
            self.tell("unknown_fault", fault=fault)
            return
        self.tell("fault", fault=fault, on=on)

    async def _show(self):
        while True:
            self._show_once()
            await asyncio.sleep(self._setup["show_ms"] / 1000)

    def _show_once(self):
        """The present picture: phase, sensor values in their units, records that wait."""
        shown = self._setup.get("shown")
        values = {}
        for channel in self._channels:
            if not shown or channel.name in shown:
                values[channel.name] = number_of(channel)
        self.tell("state", phase=self._source.phase, values=values, depth=self.agent.outbox.depth)


def number_of(channel):
    """A channel's newest value in its unit, None when it is missing."""
    if channel.value == MISSING:
        return None
    return round(channel.value * 10**channel.exp, max(0, -channel.exp))


def main(argv):
    """Run the board that a setup file describes; 2 when the command line does not name one."""
    if len(argv) != 2:
        print("usage: main.py BOARD.json")
        return 2
    with open(argv[1]) as file:
        setup = json.load(file)
    asyncio.run(VirtualBoard(setup).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
