"""The way to the receiver: the link, and before the first contact what it needs beside a network.

A board may have no key yet, and a clock that says 2021; both are mended with what is loaded then.
"""

from .core.errors import LinkError


class Reaching:
    """Opens the link; `identity`, `clock`, `board`, `birth` and `uptime` are the agent's own.

    `network` is what a Stream asks: the Wi-Fi or None, and who is told of a call that blocks.
    """

    def __init__(self, link, network, config, identity, clock, board, birth, uptime, tell) -> None:
        self._link = link
        self._network = network
        self._config = config
        self._identity = identity
        self._clock = clock
        self._board = board
        self._birth = birth
        self._uptime = uptime
        self._tell = tell

    async def open(self) -> None:
        """Open the link unless it is open; LinkError with the phase that failed.

        When TLS fails and this boot has not heard what time it is, ask for it and try once more:
        the receiver, and when it has no answer and the settings name one, a server of time.
        """
        try:
            await self._open()
        except LinkError as error:
            if error.phase != "tls" or self._clock.is_anchored:
                raise
            if not await self._fetch_time():
                raise
            await self._open()

    async def _open(self) -> None:
        if not self._identity.kid:
            from .contacting import enroll, forget_contacting

            await self._link.close()  # there is no room for two of them under TLS
            parts = (self._identity, self._board, self._birth, self._tell)
            try:
                await enroll(self._config, self._network, self._link, *parts)
            finally:
                forget_contacting(self._config.is_mqtt)
        await self._link.open()

    async def _fetch_time(self) -> bool:
        from .contacting import find_time, forget_contacting

        parts = (self._identity, self._clock, self._board, self._uptime)
        try:
            is_moved, is_guess = await find_time(self._config, self._network, *parts)
        finally:
            forget_contacting(self._config.is_mqtt)
        self._tell("time", is_moved=is_moved, is_guess=is_guess)
        return is_moved
