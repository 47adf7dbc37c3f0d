"""The settings of one device, checked once; a wrong one stops the start."""


class Config:
    """Checked settings as attributes; ConfigError names the key, the value and the fix.

    `server` is split into `is_mqtt`, `is_secure`, `host`, `port` and `path`.
    """

    def __init__(self, settings: dict) -> None:
        from .settings import fill  # the caller forgets it: a board checks once a boot

        fill(self, settings)
