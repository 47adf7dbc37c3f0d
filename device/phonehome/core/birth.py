"""What a boot knows about itself; a module of its own, because what makes one is dropped."""


class Birth:
    """What a hello and every report say about software and board, and how the boot before ended.

    `certainty` is how sure `reset_cause` is, `reset_name` the task or exception behind it; `crash`
    is to be told, `told` as which record it may have been (see lastwords.Words), `was_bad` says
    that the reset was not meant, `past_s` how long that boot lasted, 0 where no retained memory
    says it, `has_words` that the black box holds something to be wiped. `died` counts the boots
    in a row that died young; where that are too many the boot `is_safe`, its application stays off
    for `wait_ms`. `grace_ms` is how long it goes without a watchdog. With `is_counted` boots are
    counted here.
    """

    def __init__(self, agent: str, platform: str, build: bytes, product) -> None:
        self.agent = agent
        self.platform = platform
        self.build = build
        self.manifest = product.manifest
        self.product = product
        self.reset_cause = self.certainty = 0
        self.reset_name = ""
        self.crash = None
        self.told = None
        self.past_s = 0
        self.was_bad = self.has_words = self.is_safe = self.is_counted = False
        self.died = self.wait_ms = self.grace_ms = 0

    @property
    def has_past(self) -> bool:
        """True when something is to be said about the end of the boot before."""
        return self.was_bad or self.has_words or self.is_safe or self.crash is not None
