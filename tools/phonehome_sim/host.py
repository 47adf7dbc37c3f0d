"""The computer as an appliance: sensors read from /proc, /sys and the file system (Linux)."""

import os

STAT = "/proc/stat"
LOADAVG = "/proc/loadavg"
MEMINFO = "/proc/meminfo"
THERMAL = "/sys/class/thermal"


class CPULoad:
    """Busy share of all processors between two calls, in percent; None at the first call."""

    def __init__(self, path=STAT):
        self._path = path
        self._busy = self._total = 0

    def __call__(self):
        """Percent since the last call."""
        ticks = [int(word) for word in first_line(self._path).split()[1:9]]
        total = sum(ticks)
        busy = total - ticks[3] - ticks[4]
        spent, worked = total - self._total, busy - self._busy
        known = self._total != 0
        self._total, self._busy = total, busy
        return 100 * worked / spent if known and spent > 0 else None


def first_line(path):
    """The first line of a small file; OSError when it is not there."""
    with open(path) as file:
        return file.readline()


def load_average(path=LOADAVG):
    """Mean number of processes that wanted to run during the last minute."""
    return float(first_line(path).split()[0])


def memory_used(path=MEMINFO):
    """Memory that is not available to new programs, in percent."""
    found = {}
    with open(path) as file:
        for line in file:
            words = line.split()
            if words[0] in ("MemTotal:", "MemAvailable:"):
                found[words[0]] = int(words[1])
            if len(found) == 2:
                break
    total = found["MemTotal:"]
    return 100 * (total - found["MemAvailable:"]) / total


def disk_used(path="/"):
    """Used share of a file system as an unprivileged program sees it, in percent."""
    blocks, free, available = os.statvfs(path)[2:5]
    used = blocks - free
    return 100 * used / (used + available)


def temperature(folder=THERMAL):
    """The hottest thermal zone in degrees Celsius; None where there is none."""
    hottest = None
    for zone in zones(folder):
        degrees = int(first_line(folder + "/" + zone + "/temp")) / 1000
        if hottest is None or degrees > hottest:
            hottest = degrees
    return hottest


def zones(folder):
    """Names of the thermal zones; none on a machine without them."""
    try:
        return [name for name in os.listdir(folder) if name.startswith("thermal_zone")]
    except OSError:
        return []
