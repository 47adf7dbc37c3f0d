"""What must be true of an agent that went through a storm: each promise with its figures."""

from collections import Counter
from dataclasses import dataclass

from phonehome.core.backoff import CEILING_MS, FIRST_MS
from phonehome_wire.registry import RTYPE_HEARTBEAT
from tests.storm.torture import Course
from tests.storm.trend import Trend, fit

ON_PURPOSE = "RuntimeError"
LIMIT_BYTES_H = 16  # that would take years to fill the 208 KB of a Pico W; from a day on
WARMING_BYTES = 4096  # in a shorter run: what is done for the first time leaves something behind
SETTLED_SHARE = 0.05  # the first samples, while modules load and buffers reach their size
BINS = 24
DAY_H = 24
DELIVERED_WITHIN_MS = 1_800_000  # the longest back-off, and then reports as fast as they are acked


@dataclass(frozen=True)
class Check:
    """One promise, whether it was kept, and what was counted."""

    name: str
    is_kept: bool
    figures: str


def judge(course: Course) -> list[Check]:
    """All checks of a storm."""
    return [
        check_end(course),
        check_reports(course),
        check_numbers(course),
        check_heap(course),
        check_backoff(course),
        check_connections(course),
        check_delivery(course),
    ]


def check_end(course: Course) -> Check:
    """It lived to the end, and no crash was told beside those on purpose."""
    crashes = [e for e in course.named("crash") if e["exception"] != ON_PURPOSE]
    is_kept = bool(course.named("end")) and not crashes and not course.words
    hours = max((e["at_ms"] for e in course.events), default=0) / 3_600_000
    said = course.words[-3:] + crashes[:3]
    return Check("lived", is_kept, f"{hours:.1f} h in {course.took_s:.0f} s {said or ''}")


def check_reports(course: Course) -> Check:
    """Each record that went into the outbox is stored once, unchanged, or counted as dropped."""
    inc = course.named("boot")[0]["inc"]
    created = {(inc, e["boot"], e["seq"]): (e["rtype"], e["hash"]) for e in course.named("record")}
    stored = course.stored
    lost = [key for key in created if key not in stored]
    changed = [key for key in created if key in stored and stored[key] != created[key]]
    dropped = sum(e["count"] for e in course.named("dropped") if e["kind"] != "heartbeat")
    is_kept = len(lost) <= dropped and not changed and not course.collisions and bool(created)
    figures = (
        f"{len(created)} created, {len(created) - len(lost)} stored once, {len(lost)} missing, "
        f"{dropped} dropped by name, {len(changed)} changed, {course.collisions} collisions"
    )
    return Check("no report lost", is_kept, figures)


def check_numbers(course: Course) -> Check:
    """Every number that the device gave out is stored, or a heartbeat that it gave up."""
    numbers = {seq for _, _, seq in course.stored}
    highest = max(numbers | {e["seq"] for e in course.named("record")})
    gaps = highest + 1 - len(numbers)
    given_up = Counter(e["kind"] for e in course.named("dropped"))["heartbeat"]
    beats = sum(rtype == RTYPE_HEARTBEAT for rtype, _ in course.stored.values())
    figures = f"{highest + 1} numbers, {beats} heartbeats, {gaps} gaps, {given_up} given up"
    return Check("no gap unexplained", gaps <= given_up, figures)


def heap_points(course: Course) -> list[tuple[float, float]]:
    """(hours, bytes held): like compared with like, so of BINS spans the least look at rest."""
    looks = looks_at_rest(course)
    looks = looks[int(len(looks) * SETTLED_SHARE) :]
    size = max(1, len(looks) // BINS)
    bins = [looks[start : start + size] for start in range(0, len(looks) - size + 1, size)]
    return [(part[0][0], min(held for _, held in part)) for part in bins]


def looks_at_rest(course: Course) -> list[tuple[float, float]]:
    """(hours, bytes held) while the link is up, nothing waits and nothing is under way."""
    found, is_up, is_busy = [], False, False
    for event in course.events:
        name = event["event"]
        if name == "link":
            is_up = event["is_up"]
        elif name in {"sent", "acked", "backoff"}:
            is_busy = name == "sent"
        elif name == "heap" and is_up and not is_busy and event["depth"] == 0:
            found.append((event["at_ms"] / 3_600_000, float(event["held"])))
    return found


def check_heap(course: Course) -> Check:
    """Growth is ruled out; in a run too short for that, more than what is left by warming up."""
    points = heap_points(course)
    trend: Trend = fit(points)
    held = [y for _, y in points]
    if course.plan.hours >= DAY_H:
        is_kept, limit = trend.grows_below(LIMIT_BYTES_H), f"limit {LIMIT_BYTES_H} B/h"
    else:
        is_kept = bool(held) and max(held) - min(held) < WARMING_BYTES
        limit = f"at most {WARMING_BYTES} B in all"
    span = f"{min(held):.0f}..{max(held):.0f}" if held else "never"
    return Check("heap flat", is_kept, f"{trend} B/h ({limit}), {span} B held")


def check_backoff(course: Course) -> Check:
    """Waits stay below the ceiling of their failure, unless the receiver asked for longer."""
    failures = since = wrong = 0
    is_good = False  # an ack that does not answer the report in flight ends in a back-off
    for event in course.events:
        name = event["event"]
        if name == "sent" and is_good:
            failures, since, is_good = since, 0, False
        elif name == "acked" and event["records"]:
            is_good = True
        elif name == "link" and not event["is_up"]:  # waits as after a failure
            failures, since = failures + 1, since + is_good
        elif name == "backoff":
            wrong += not is_in_bounds(event, failures)
            failures, since, is_good = failures + 1, 0, False
    waits = [e["wait_ms"] for e in course.named("backoff")]
    phases = Counter(e["phase"] for e in course.named("backoff")).most_common()
    words = " ".join(f"{phase} {times}" for phase, times in phases)
    longest_s = max(waits, default=0) / 1000
    figures = f"{len(waits)} waits, longest {longest_s:.0f} s, {wrong} out of bounds ({words})"
    return Check("back-off in bounds", wrong == 0, figures)


def is_in_bounds(backoff: dict, failures: int) -> bool:
    """Whether a wait after so many failures is full jitter, or what an HTTP server asked for."""
    span_ms = min(CEILING_MS, FIRST_MS << min(failures, 20))
    is_asked = backoff["phase"] == "refused" and "HTTP" in backoff["detail"]
    return 0 < backoff["wait_ms"] <= span_ms or is_asked


def check_connections(course: Course) -> Check:
    """Never two connections: the number of open files is that at the start, or one more."""
    files = [e["files"] for e in course.named("heap")]
    figures = f"{course.connections} connections, {min(files)}..{max(files)} open files"
    return Check("one connection", max(files) - min(files) <= 1, figures)


def check_delivery(course: Course) -> Check:
    """When the storm is over, everything that waits is delivered within half an hour."""
    told = course.named("delivered")
    if not told:
        return Check("delivered afterwards", is_kept=False, figures="never told")
    waited = course.named("calm")[0]["depth"]
    is_kept = told[0]["depth"] == 0 and told[0]["ms"] <= DELIVERED_WITHIN_MS
    figures = f"{waited} records in {told[0]['ms'] / 1000:.0f} s, {told[0]['depth']} left"
    return Check("delivered afterwards", is_kept, figures)
