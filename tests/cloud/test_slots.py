"""Proposals for visits: who can, is free and near, when somebody is home, on any clock."""

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core.visiting.calendar import Booking, Technician, working_windows
from phonehome_cloud.core.visiting.presence import CELLS, UNKNOWN, Presence
from phonehome_cloud.core.visiting.slots import DAY_MS, Need, Terms, Travel, fits, propose

BERLIN = "Europe/Berlin"
PUMP = frozenset({"pump"})
HOUR_MS = 3_600_000
ALL_WEEK = dict.fromkeys(range(7), ((8 * 60, 12 * 60), (13 * 60, 17 * 60)))


def at(text, zone=BERLIN):
    """The unix ms of what a clock in `zone` shows."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def shown(moment_at, zone=BERLIN):
    """What a clock in `zone` shows at a moment."""
    return datetime.fromtimestamp(moment_at / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


def technician(name="mia", **more):
    """Somebody who works every day and mends pumps."""
    given_ = {"skills": PUMP, "area": ("DE-10",), "hours": ALL_WEEK, "zone": BERLIN}
    return Technician(name, **given_ | more)


def need(**more):
    """A pump in Berlin, 40 minutes, no part to wait for."""
    given_ = {"skills": PUMP, "minutes": 40, "parts_at": 0, "zone": BERLIN, "area": "DE-10115"}
    return Need(**given_ | more)


def home(*cells):
    """Somebody who is home in these cells alone."""
    return Presence(tuple(0.95 if cell in cells else 0.05 for cell in range(CELLS)))


NOW_AT = at("2026-03-23 10:00")  # a Monday


def test_the_hours_when_somebody_is_home_win():
    """A home that is empty except on workdays from 15 to 18 gets proposals of those hours."""
    slots = propose(need(), [technician()], [], home(5), NOW_AT)
    assert len(slots) == 3
    assert {shown(slot.start_at)[11:13] for slot in slots} <= {"15", "16"}
    assert len({shown(slot.start_at)[:10] for slot in slots}) == 3
    assert {slot.p_home for slot in slots} == {0.95}


def test_without_a_difference_the_first_days_win():
    """An even home is visited soon, and never before the notice has passed."""
    slots = propose(need(), [technician()], [], Presence((0.5,) * CELLS), NOW_AT)
    assert [shown(slot.start_at) for slot in slots] == [
        "2026-03-24 08:00",
        "2026-03-24 13:00",
        "2026-03-25 08:00",
    ]


def test_the_visit_waits_for_its_part():
    """Nothing is proposed before the part is there, and something at once after it."""
    parts_at = at("2026-03-27 14:10")
    slots = propose(need(parts_at=parts_at), [technician()], [], UNKNOWN, NOW_AT)
    assert min(slot.start_at for slot in slots) >= parts_at
    assert shown(min(slot.start_at for slot in slots))[:10] <= "2026-03-29"


@pytest.mark.parametrize(
    "one",
    [
        technician(skills=frozenset({"drum"})),
        technician(area=("DE-8", "AT-")),
        technician(leave=((0, NOW_AT + 90 * DAY_MS),)),
        technician(hours={}),
    ],
)
def test_who_cannot_come_is_not_proposed(one):
    """Without the skill, the area, hours or presence at work there is no slot."""
    assert propose(need(), [one], [], UNKNOWN, NOW_AT) == ()


def test_a_place_without_a_name_is_driven_to_by_nobody():
    """An address that nobody knows is not in everybody's area."""
    assert propose(need(area=""), [technician(area=("",))], [], UNKNOWN, NOW_AT) == ()


def test_the_nearer_and_the_less_busy_technician_comes():
    """Among those who can begin at the same moment the shorter drive wins, then the emptier."""
    near, far = technician("zoe", area=("DE-10115",)), technician("abe", area=("DE-12", "DE-10"))
    assert {s.technician for s in propose(need(), [far, near], [], UNKNOWN, NOW_AT)} == {"zoe"}
    later = at("2026-04-20 08:00")
    busy = Booking("abe", later - 3 * DAY_MS, later - 3 * DAY_MS + HOUR_MS, "DE-10115")
    twins = [technician("abe"), technician("zoe")]
    slots = propose(need(), twins, [busy], UNKNOWN, later - 10 * DAY_MS)
    assert {slot.technician for slot in slots} == {"zoe"}


def test_a_holiday_is_nobodys_working_day():
    """A day that the desk calls a holiday has no slots."""
    days = frozenset({date(2026, 3, 24), date(2026, 3, 25)})
    slots = propose(need(), [technician(holidays=days)], [], UNKNOWN, NOW_AT, 3)
    assert {shown(s.start_at)[:10] for s in slots}.isdisjoint({"2026-03-24", "2026-03-25"})


def test_the_drive_is_left_between_visits():
    """Next to a visit across the country a slot keeps an hour away, next door a quarter."""
    travel = Travel()
    noon = at("2026-03-24 12:00")
    wanted = Booking("mia", noon, noon + HOUR_MS, "DE-10115")
    for place, minutes in (("DE-10115", 15), ("DE-10999", 30), ("DE-99084", 60)):
        end = noon - minutes * 60_000
        assert fits([Booking("mia", end - HOUR_MS, end, place)], wanted, travel)
        assert not fits([Booking("mia", end - HOUR_MS, end + 1, place)], wanted, travel)
        begin = noon + HOUR_MS + minutes * 60_000
        assert fits([Booking("mia", begin, begin + HOUR_MS, place)], wanted, travel)
        assert not fits([Booking("mia", begin - 1, begin + HOUR_MS, place)], wanted, travel)


@pytest.mark.parametrize(
    ("day", "night", "hours"),
    [
        ("2026-03-29", [("01:00", "03:00")], 1),  # 02:00 to 03:00 does not exist
        ("2026-10-25", [("01:00", "03:00")], 3),  # 02:00 to 03:00 comes twice
        ("2026-03-29", [("02:30", "05:00")], 2),  # begins in the missing hour: when it ends
        ("2026-03-30", [("01:00", "03:00")], 2),
    ],
)
def test_a_shift_is_what_the_clock_on_the_wall_says(day, night, hours):
    """On the nights of the change a shift is an hour shorter or longer, and no minute is lost."""
    minutes = tuple(tuple(int(t[:2]) * 60 + int(t[3:]) for t in span) for span in night)
    one = technician(hours=dict.fromkeys(range(7), minutes))
    found = list(working_windows(one, at(f"{day} 00:00"), at(f"{day} 12:00")))
    assert [end - start for start, end in found] == [hours * HOUR_MS]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_slot_at_the_changed_hour_lies_where_both_clocks_say(day):
    """In the night of the change every slot is a real moment: shown by the clock, inside the
    shift, and as long as the work.
    """
    night = technician(hours=dict.fromkeys(range(7), ((60, 5 * 60),)))
    now_at = at(f"{day} 00:00") - 2 * DAY_MS
    terms = Terms(notice_ms=at(f"{day} 00:00") - now_at, horizon_ms=DAY_MS // 4)
    slots = propose(need(), [night], [], UNKNOWN, now_at, 40, terms)
    assert slots
    for slot in slots:
        assert "01:00" <= shown(slot.start_at)[11:] < "05:00"
        assert slot.end_at - slot.start_at == 40 * 60_000


def test_the_home_is_asked_by_its_own_clock():
    """A technician of London and a home of Berlin: presence is read an hour later."""
    one = technician(zone="Europe/London")
    (slot, *_) = propose(need(), [one], [], home(4), NOW_AT)
    assert "12:00" <= shown(slot.start_at)[11:] < "15:00"
    assert shown(slot.start_at, "Europe/London")[11:] < "14:00"


ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
# (technician, half hours free before it, half hours that it takes)
BOOKINGS = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(2, 60), st.integers(1, 4)), max_size=60
)


def booked(plan, start_at):
    """Visits one after the other, with some time between them."""
    free_at, taken = {"a": start_at, "b": start_at}, []
    for name, pause, size in plan:
        begin = free_at[name] + pause * HOUR_MS // 2
        free_at[name] = begin + size * HOUR_MS // 2
        taken.append(Booking(name, begin, free_at[name], "DE-10999"))
    return taken


@given(
    bookings=BOOKINGS,
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    start=st.integers(at("2026-01-01 00:00"), at("2027-01-01 00:00")),
    parts=st.integers(0, 30),
    minutes=st.integers(10, 240),
)
def test_every_proposal_keeps_every_promise(bookings, zones, start, parts, minutes):
    """Whatever is booked, wherever, on whatever day of the year: proposals are free with their
    drives, in working hours, after notice and part, with different halves of days.
    """
    ours, terms = need(minutes=minutes, zone=zones[1], parts_at=start + parts * DAY_MS), Terms()
    people = {
        n: technician(n, zone=zones[0], holidays=frozenset({date(2026, 5, 1)})) for n in "ab"
    }
    taken = booked(bookings, start)
    slots = propose(ours, people.values(), taken, UNKNOWN, start, terms=terms)
    halves = set()
    for slot in slots:
        assert slot.start_at >= max(start + terms.notice_ms, ours.parts_at)
        assert slot.end_at - slot.start_at == minutes * 60_000
        own = sorted(booking for booking in taken if booking.technician == slot.technician)
        before = [booking for booking in own if booking.start_at < slot.start_at][-1:]
        after = [booking for booking in own if booking.start_at >= slot.start_at][:1]
        wanted = Booking(slot.technician, slot.start_at, slot.end_at, ours.area)
        assert fits(before + after, wanted, terms.travel)
        begin, end = (
            datetime.fromtimestamp(moment / 1000, ZoneInfo(zones[0]))
            for moment in (slot.start_at, slot.end_at)
        )
        assert begin.date() != date(2026, 5, 1)
        worked = begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
        assert any(a <= worked[0] and worked[1] <= b for a, b in ALL_WEEK[0])
        there = datetime.fromtimestamp(slot.start_at / 1000, ZoneInfo(zones[1]))
        halves.add((there.date(), there.hour >= 12))
    assert len(halves) == len(slots) <= 3
    assert tuple(slots) == propose(ours, people.values(), taken[::-1], UNKNOWN, start)


def test_thousands_of_bookings_cost_little_more_than_none():
    """A question among 20 technicians with 4,000 visits takes some 12 ms (2.6 GHz core), and no
    more than four times that of empty calendars.
    """
    people = [technician(f"t{n:02}") for n in range(20)]
    work_ms = 40 * 60_000
    taken = []
    for k in range(4000):
        day, part = divmod(k // 20, 7)
        start = NOW_AT + day * DAY_MS + part * HOUR_MS
        taken.append(Booking(f"t{k % 20:02}", start, start + work_ms, "DE-10115"))

    def cost_s(bookings):
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            propose(need(), people, bookings, UNKNOWN, NOW_AT)
            best = min(best, time.process_time() - began)
        return best

    cost_s([])  # the caches of clocks are warm
    assert cost_s(taken) < 4 * cost_s([])


def test_the_part_and_the_past_are_never_proposed_by_default():
    """From a moment in the middle of a working day nothing lies in the past or within notice."""
    now_at = int(datetime(2026, 6, 3, 9, 7, 13, tzinfo=UTC).timestamp() * 1000)
    for slot in propose(need(), [technician()], [], UNKNOWN, now_at, 60):
        assert slot.start_at >= now_at + Terms().notice_ms
