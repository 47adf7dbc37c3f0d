"""What the agent counts, for a person at the console: a line a fact. Needed when somebody asks.

The life of the flash is what its free blocks bear, as littlefs moves its writing over all of them.
A commit costs an erase at most: 0.07 for a state, 0.2 for the fault states, 0.1 to 1 for a record.
"""

from phonehome_wire.compat import const

_ERASES = const(100000)  # what a block of the flash of both boards bears
_BLOCK_KB = const(4)
_HOURS_A_YEAR = const(8766)
_MOST_YEARS = const(1000)
_LEAST_S = const(600)  # of a shorter time no rate is told


def tell(write, session, outbox, folder, uptime_s: int) -> None:
    """Call `write` with each line `name: value`, in a fixed order."""
    session.uptime_s = uptime_s
    write("uptime: %d s, boot %d" % (uptime_s, session.boot))
    write("operated: %d s, %d since a crash" % (session.operated_s, session.crash_free_s))
    write("unexpected resets: %d" % session.unexpected_resets)
    write("records waiting: %d" % outbox.depth)
    drops = ["%s %d" % (kind, outbox.drops[kind]) for kind in sorted(outbox.drops)]
    write("records dropped: " + (", ".join(drops) or "none"))
    write("flash commits: %d%s" % (folder.commits, _rate(folder.commits, uptime_s)))
    write("flash free: %d KB" % folder.free_kb())
    write("flash life: " + _life(folder.free_kb() // _BLOCK_KB, folder.commits, uptime_s))


def _rate(commits: int, uptime_s: int) -> str:
    return ", %d an hour" % (commits * 3600 // uptime_s) if uptime_s >= _LEAST_S else ""


def _life(blocks: int, commits: int, uptime_s: int) -> str:
    """Years until the free blocks are worn at the rate of this boot, at an erase a commit."""
    if uptime_s < _LEAST_S or not blocks or not commits:
        return "not known yet"
    hours = blocks * _ERASES // commits * uptime_s // 3600
    years = hours // _HOURS_A_YEAR
    return "more than %d years" % min(years, _MOST_YEARS)
