# cpython-only
"""Kill -9 again and again: every confirmed fault arrives, none twice, none as another one."""

import random

from phonehome_wire import registry

CYCLES = 36


async def test_no_confirmed_fault_is_lost_or_doubled(serve, make_board):
    """Over dozens of kills at random moments, what the board said it stored is here, once."""
    served = await serve()
    receiver = served.receiver
    board = make_board(f"http://127.0.0.1:{served.port}")
    board.settings["chatter_ms"] = 90
    moments = random.Random(2)
    told = 0
    for cycle in range(CYCLES):
        receiver.script = (
            ["lose"] if cycle % 3 == 1 else ["busy", "busy"] if cycle % 3 == 2 else []
        )
        await board.start()
        await board.event("boot", count=cycle + 1)
        told = len([e for e in board.events if e["event"] == "transition"])
        await board.event("transition", count=told + moments.randrange(1, 6))
        await board.kill()
    receiver.script = []
    board.settings["chatter_ms"] = 0
    await board.start()
    acked = len([e for e in board.events if e["event"] == "acked" and e["depth"] == 0])
    await board.event("acked", depth=0, count=acked + 1)
    check_counts(board, receiver)


def check_counts(board, receiver):
    """Each told transition has one record, and no id has two meanings."""
    assert receiver.collisions == []
    confirmed = [
        r for r in receiver.records(registry.RTYPE_FAULT) if r.body[registry.FAULT_KIND] == 0
    ]
    told = {(e["boot"], e["uptime_ms"]) for e in with_boots(board.events) if e["kind"] == 0}
    stored = [(r.boot, r.ms) for r in confirmed]
    assert len(stored) == len(set(stored))
    assert told <= set(stored)
    assert len(told) >= CYCLES // 2


def with_boots(events):
    """Every transition with the number of the boot it was told in."""
    boot = 0
    for event in events:
        if event["event"] == "boot":
            boot = event["boot"]
        elif event["event"] == "transition":
            yield {**event, "boot": boot}
