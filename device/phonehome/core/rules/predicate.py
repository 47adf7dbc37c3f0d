"""Predicate: a developer's own function decides, on the newest samples of all channels."""

from phonehome.core.channel import MISSING, Channel
from phonehome.core.debounce import FAIL, NONE, PASS


class Samples:
    """What a predicate sees: `samples["level"]` in units, `samples.steps("level")` as stored.

    None stands for a missing sample; KeyError for a name that is no sensor.
    """

    def __init__(self, channels: "list[Channel]") -> None:
        self._channels = {channel.name: channel for channel in channels}

    def __getitem__(self, name: str) -> "int | float | None":
        """Return the newest sample in the sensor's unit."""
        channel = self._channels[name]
        steps = channel.value
        if steps == MISSING:
            return None
        factor: int = 10 ** abs(channel.exp)
        return steps * factor if channel.exp >= 0 else steps / factor

    def steps(self, name: str) -> "int | None":
        """Return the sample as steps of 10**exp: an integer, without a float on the heap."""
        steps = self._channels[name].value
        return None if steps == MISSING else steps


class PredicateRule:
    """Fails while predicate(samples) is true, passes while it is false.

    None is no verdict, and so is an error: a comparison with a missing sample raises TypeError.
    `errors` counts them, `last_error` names the newest.
    """

    def __init__(self, predicate, samples: Samples) -> None:
        self._predicate = predicate
        self._samples = samples
        self.errors = 0
        self.last_error: str | None = None

    def judge(self, _spec, _channel, _is_confirmed: bool) -> int:
        """Return what the function says."""
        try:
            answer = self._predicate(self._samples)
        except MemoryError:
            raise
        except Exception as error:  # other people's code must not stop the sampling
            self.errors += 1
            self.last_error = type(error).__name__
            return NONE
        if answer is None:
            return NONE
        return FAIL if answer else PASS

    def evidence(self, _spec, channel) -> tuple:
        """Return the sample of the rule's own sensor, if it has one."""
        if channel is None or channel.value == MISSING:
            return None, None, 0
        return channel.value, None, channel.exp

    def reset(self) -> None:
        """Nothing to forget: what a function remembers is its own."""
