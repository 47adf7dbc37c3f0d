# cpython-only
"""The file of fault states: what the agent's next boot knows of the one before."""

import json
import subprocess

HOUR_MS = 3_600_000
BOOT = """
import json, sys
from phonehome.agent import Agent
from phonehome.core.product import Product

class Clock:
    at_ms = 0
    def now_ms(self):
        return self.at_ms

config, acts = json.loads(sys.stdin.read())
product = Product("tank")
product.sensor("level", "mm", 0, 1000)
product.fault("E1", 520192, 0, "error", "range", "level", high=90)
told, clock, level = [], Clock(), [20]

def hear(name, **facts):
    if name == "transition":
        told.append(facts["kind"])

agent = Agent(product, config, uptime=clock, on_event=hear)
agent.sensor("level", lambda: level[0])
for act, value in acts:
    if act == "shelve":
        agent.shelve("E1", value)
        continue
    level[0] = value
    for _ in range(act):
        agent.step(clock.at_ms)
        clock.at_ms += 1000
fault = agent.faults[0]
left_ms = agent._sampler.silence.shelved_ms(0)
print(json.dumps([told, fault.is_confirmed, fault.occurrence, left_ms]))
"""


def make_board(micropython, environment, folder):
    """A function that boots an agent on a folder, does (seconds, level) and ('shelve', ms) acts.

    It returns the kinds that were told, whether the fault is confirmed, its count, and what is
    left of its shelf.
    """
    (folder / "key").write_bytes(b"\x01" + bytes(32))
    config = {
        "device": "0011223344556677",
        "server": "http://127.0.0.1:1",
        "insecure": True,
        "key": str(folder / "key"),
        "data": str(folder / "data"),
    }

    def boot(*acts):
        done = subprocess.run(
            [micropython, "-c", BOOT],
            input=json.dumps([config, acts]),
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return json.loads(done.stdout)

    return boot


def test_confirmed_is_in_the_file(tmp_path, micropython, micropython_environment):
    """A board that loses its power knows at the next boot what was confirmed, and how often."""
    boot = make_board(micropython, micropython_environment, tmp_path)
    assert boot((3, 95), (3, 20), (3, 95)) == [[0, 2, 0], True, 2, 0]
    assert boot((3, 95)) == [[], True, 2, 0]
    assert boot((3, 20)) == [[2], False, 2, 0]


def test_shelf_is_in_the_file(tmp_path, micropython, micropython_environment):
    """It is written when it is made, and with each boot a part of it is gone."""
    boot = make_board(micropython, micropython_environment, tmp_path)
    boot(("shelve", 10 * HOUR_MS))
    assert boot((1, 95)) == [[], True, 1, 31_500_000]
    assert boot((1, 95)) == [[], True, 1, 27_600_000]
    assert boot((1, 95), ("shelve", 0), (2, 95)) == [[0], True, 1, 0]
