"""What meters on a board share: a figure a line, and a link with nobody at the other end.

A module of its own at the root of the board, because importing either meter costs what the other
one measures.
"""


def tell(name, value):
    """One figure."""
    print(name, value)


class NoLink:
    """Nobody is at the other end."""

    acks_later = False
    is_open = False
    reconnects = -1

    def __init__(self, _message):
        pass

    async def open(self):
        """Fail as a link does."""
        from phonehome.core.errors import LinkError

        raise LinkError("connect", "nobody is there")

    async def close(self):
        """Nothing to close."""
