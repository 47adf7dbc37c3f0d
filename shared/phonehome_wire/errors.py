"""What can go wrong on the wire.

WireError (a ValueError)
    EncodeError         a local mistake: this value cannot be written
        TooBigError     it does not fit into the space that is left
    RefusedError        a remote mistake: these bytes are not PH/1, or not from who they say

`reason` is a stable token that may be counted and compared; `detail` is for people:

    frame kid tag alg               the envelope: template or lengths, key id, MAC, algorithm too
                                    weak for the message
    length trailing                 ends early or is larger than the cap, bytes left over
    depth items                     nested too deep, too many items
    type shortest indefinite        not in the profile: float, tag, simple value, wrong key type;
                                    long form; no length
    key order/dup                   map keys not strictly ascending
    utf-8 range                     invalid text, integer of 2^53 or more
    schema major                    well-formed but not what the schema says, unknown major version
    line crc order digest           on a serial line: not of its form, damaged, missing or twice,
                                    not the message that was announced
    space                           (encoding) the buffer is full
"""


class WireError(ValueError):
    """Root of everything this package raises on purpose."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Reason and detail in one line."""
        return self.reason + ": " + self.detail if self.detail else self.reason


class EncodeError(WireError):
    """A value that the profile or the schema does not allow was to be written."""


class TooBigError(EncodeError):
    """The item does not fit; the caller sheds something or starts a new message."""


class RefusedError(WireError):
    """Bytes from outside break a rule; nothing of them may be used."""
