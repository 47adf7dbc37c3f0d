"""The ack of one record comes from a template: it must be what the encoder writes."""

from hypothesis import given
from hypothesis import strategies as st

from phonehome_cloud.core import acks
from phonehome_cloud.core.acks import Answer, sign_ack
from phonehome_cloud.core.arrivals import DeviceKey
from phonehome_wire.downlink import Ack, open_downlink
from phonehome_wire.limits import MAX_INT

KEY = DeviceKey("0102030405060708", 1, "active", bytes(range(1, 10)), bytes(32), bytes(range(32)))
numbers = st.one_of(st.integers(0, 300), st.integers(0, 2**33), st.integers(0, MAX_INT))
moments = st.integers(2**32, MAX_INT)  # ms since 1970


@given(st.binary(min_size=4, max_size=4), numbers, numbers, numbers, numbers, moments)
def test_the_template_says_what_the_encoder_says(inc, boot, echo_ms, of_boot, seq, server_ms):
    """Byte for byte, whatever the numbers are."""
    by_template = sign_ack(KEY, Answer(inc, boot, echo_ms, [(of_boot, seq)]), server_ms)
    plain = Ack(inc, boot, server_ms, echo_ms, [(of_boot, seq, seq)], [], None, None, None)
    assert by_template == acks._sealed(KEY, plain)


@given(numbers, numbers, st.sampled_from(["origin", "backoff_s", "poll", "refused"]))
def test_whoever_has_more_to_say_is_heard(boot, seq, more):
    """Nothing beyond the one record is left out."""
    answer = Answer(b"inc1", boot, 5, [(boot, seq)])
    value = {"origin": b"inc0", "backoff_s": 7, "poll": 1, "refused": [(boot, 1, 1)]}[more]
    setattr(answer, more, value)
    heard = open_downlink(sign_ack(KEY, answer, 2**41), KEY.down, KEY.kid)
    name = "origin_inc" if more == "origin" else more
    assert getattr(heard, name) == value
    assert heard.stored == [(boot, seq, seq)]
