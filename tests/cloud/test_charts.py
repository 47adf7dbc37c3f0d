"""Charts and frames: geometry and numbers, without a page around them."""

import pytest

from phonehome_cloud.web import charts
from phonehome_cloud.web.frames import FrameChannel, FreezeFrame, name_channels, scale


def frame(values, trigger=0, limit=None, fault_channel=0):
    """A freeze frame of one channel."""
    channel = FrameChannel(0, "flow", "Water flow", "l/min", values)
    return FreezeFrame(0, 500, trigger, fault_channel, None, limit, [channel])


@pytest.mark.parametrize(
    ("number", "exp", "value"),
    [
        (215, -1, 21.5),
        (3, -1, 0.3),
        (-7, -3, -0.007),
        (4, 2, 400.0),
        (5, None, 5.0),
        (None, 0, None),
    ],
)
def test_a_sample_is_exactly_the_decimal_it_means(number, exp, value):
    """Scaled integers become the nearest float, with no tail of digits."""
    assert scale(number, exp) == value


def test_a_missing_sample_lifts_the_pen():
    """Lines join neighbours only; a sample between two gaps is a dot."""
    (chart,) = charts.draw_frame(frame([1, 2, None, 3, None, 4, 5]))
    assert chart.path.count("M") == 3
    assert chart.path.count("L") == 2
    assert len(chart.dots) == 1


def test_everything_is_inside_the_picture():
    """Also the limit, when it is far from every sample."""
    (chart,) = charts.draw_frame(frame([1, 2, 3], limit=1000.0))
    heights = [chart.limit.at, *(tick.at for tick in chart.y_ticks)]
    assert all(charts.TOP <= y <= charts.HEIGHT - charts.BOTTOM for y in heights)
    assert chart.limit.at < chart.y_ticks[-1].at


@pytest.mark.parametrize("values", [[0, 0, 0], [5], [-3, -3], [None, None], []])
def test_flat_short_and_empty_channels_are_drawn(values):
    """No division by nothing; what has no sample says so."""
    (chart,) = charts.draw_frame(frame(values))
    assert "nan" not in chart.path
    assert (chart.summary == "no sample") == (not any(v is not None for v in values))


def test_a_trigger_outside_the_samples_harms_nothing():
    """A frame that was halved on its way may have lost its trigger."""
    (chart,) = charts.draw_frame(frame([1, 2], trigger=9))
    assert chart.trigger_dot is None
    assert "at the trigger" in chart.summary


def test_the_channel_that_failed_comes_first():
    """Whatever its number."""
    channels = [FrameChannel(n, f"c{n}", f"C {n}", "", [1, 2]) for n in range(3)]
    found = charts.draw_frame(FreezeFrame(0, 1, 0, 2, None, None, channels))
    assert [(chart.channel, chart.is_fault) for chart in found] == [
        (2, True),
        (0, False),
        (1, False),
    ]


def test_times_count_from_the_trigger():
    """Before it negative, at it zero."""
    rows = charts.tabulate(frame([1, 2, 3], trigger=1))
    assert [time for time, _ in rows] == ["\N{MINUS SIGN}0.5 s", "0 s", "+0.5 s"]


def test_a_channel_without_a_name_has_its_number():
    """What neither the product nor the device names is still shown."""
    assert name_channels(None, None) == {}
    assert name_channels(None, {"7": ["flow", "l/min"]}) == {7: ("flow", "flow", "l/min")}
