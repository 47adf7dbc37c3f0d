"""Any function as a sensor, with its arguments and its way to say that it has no reading."""

from phonehome.core.errors import ConfigError


class Function:
    """Calls read(*arguments); a reading equal to `missing` is none, as drivers say with -127 or 0.

    A plain function without arguments can be given to the agent as it is. Raise ConfigError.
    """

    def __init__(self, read, *arguments, missing=None) -> None:
        if not callable(read):
            raise ConfigError("Function: read = %r; give a function" % (read,))
        self._read = read
        self._arguments = arguments
        self._missing = missing

    def __call__(self):
        """Return the reading, None when there is none."""
        reading = self._read(*self._arguments)
        return None if reading == self._missing else reading
