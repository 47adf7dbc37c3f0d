"""How much heap the agent takes: `micropython -X heapsize=416k heap_probe.py board.json`.

The world around it (the appliance's model, the reading of the setup) is loaded first and counted
as if it belonged to the bare interpreter. Prints one JSON object of bytes: `imported`, `built`,
`running`, the most that was alive after a collection while the appliance worked, and `largest`,
the largest piece that could be had in one then.
"""

import gc
import json
import sys

from phonehome_sim.sources import ModelSource

_LOOK_S = 0.25


def allocated():
    """Bytes that are alive."""
    gc.collect()
    gc.collect()  # objects with finalisers are freed by the second
    return gc.mem_alloc()


def largest_block():
    """Bytes of the largest buffer that can be made now, to 64."""
    gc.collect()
    least, most = 0, gc.mem_free()
    while most - least > 64:
        size = (least + most) // 2
        try:
            bytearray(size)
            least = size
        except MemoryError:
            most = size
        gc.collect()
    return least


class Probe:
    """Runs an agent for a while and keeps the most heap that was alive."""

    def __init__(self, setup):
        self._setup = setup
        self._source = ModelSource(setup["source"])
        self._source.step(0)
        self.found = {"imported": 0, "built": 0, "running": 0}
        self._bare = allocated()

    def run(self):
        """Import, build, run."""
        from phonehome.agent import Agent

        self._note("imported")
        agent = Agent(self._setup["product"], self._setup["config"])
        for channel in agent.product.channels:
            agent.sensor(channel.name, self._source.reader(channel.name))
        self._note("built")
        import asyncio

        asyncio.run(self._watch(agent))

    async def _watch(self, agent):
        import asyncio

        await agent.start()
        fault, from_ms, until_ms = self._setup["fault"]
        duration_ms = self._setup["duration_ms"]
        now_ms = 0
        while now_ms < duration_ms:
            now_ms = agent.uptime.now_ms()
            self._source.switch(fault, from_ms <= now_ms < until_ms)
            self._source.step(now_ms)
            self._note("running")
            await asyncio.sleep(_LOOK_S)
        self.found["waiting"] = agent.outbox.depth
        self.found["largest"] = largest_block()
        await agent.stop()

    def _note(self, name):
        self.found[name] = max(self.found[name], allocated() - self._bare)


def main(argv):
    """Probe the board that a setup file describes."""
    with open(argv[1]) as file:
        setup = json.load(file)
    probe = Probe(setup)
    probe.run()
    print(json.dumps(probe.found))


main(sys.argv)
