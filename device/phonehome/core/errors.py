"""What can go wrong on the device, on purpose.

DeviceError (a ValueError)
    ConfigError     a setting is wrong; names the key, the value and the fix; stops the start
    ProductError    a product file or declaration is wrong; names the field; stops the start
    LinkError       a phase of talking to the receiver failed; the sender backs off and tries again
"""


class DeviceError(ValueError):
    """Root of everything the agent raises on purpose."""


class ConfigError(DeviceError):
    """A setting cannot be used; its text names the key, the value and what to write instead."""


class ProductError(DeviceError):
    """A product cannot be used; the text names the field, its value and what to write instead."""


class LinkError(DeviceError):
    """Talking to the receiver failed in one phase: offline dns connect tls send receive refused
    protocol ack.

    `retry_after_s` is the pause the other end asked for (0: none); `is_malformed` says that it
    could not read the report and did not sign that word, so nothing may be deleted for it.
    """

    def __init__(
        self, phase: str, detail: object, retry_after_s: int = 0, is_malformed: bool = False
    ):
        super().__init__(phase, detail)
        self.phase = phase
        self.detail = detail
        self.retry_after_s = retry_after_s
        self.is_malformed = is_malformed

    def __str__(self) -> str:
        """Phase and detail."""
        return "%s: %s" % (self.phase, self.detail)
