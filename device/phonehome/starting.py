"""What starts an application so that no mistake in it locks anybody out: a board's main.py.

An application that fails at its import, before there is an agent, ends in a reset as any other
crash. After too many boots that died young its code is not even imported.
"""


def start(app: str = "app", config="phonehome.json", product=None, board=None) -> None:
    """Import the module `app`, which makes an Agent and runs it; see device/examples/main.py.

    `config` and `board` are as the Agent takes them. Where too many boots died young an agent
    starts without the application, with the compiled `product` when given. Raise ConfigError.
    """
    from .guard import begin, forget_guard

    agent, feeder = begin(config, product, board)
    forget_guard()
    if agent is not None:
        agent.run()
        return
    try:
        __import__(app)
    except KeyboardInterrupt:
        from .guard import let_in

        let_in(config, feeder, board)
        raise
    except Exception as error:  # outermost: the next boot reports it
        from .guard import die

        die(config, error, board)


class Feeder:
    """Feeds a watchdog from its timer for a time, in which something is imported."""

    def __init__(self, dog, uptime, span_ms: int) -> None:
        self._dog = dog
        self._uptime = uptime
        self._span_ms = span_ms
        dog.start()
        dog.every(dog.timeout_ms // 4, self._feed)

    def pause(self) -> None:
        """Let the dog sleep, where the chip allows that."""
        self._dog.pause()

    def _feed(self, _timer) -> None:
        if self._uptime.now_ms() < self._span_ms:
            self._dog.feed()
        else:
            self._dog.every(0, None)
