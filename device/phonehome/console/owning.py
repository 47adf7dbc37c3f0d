"""The code by which its owner claims an appliance, for who has it in their hands."""

from phonehome.core.ondemand import forget

from .answer import WordError
from .words import expect_no_words

_OWNING = "phonehome_wire.owning"


def tell_code(hands, words: list, write) -> None:
    """Device and code, as the page of the receiver wants them; another one after each start."""
    expect_no_words("claim", words)
    identity, session = hands.reporter.identity, hands.session
    if not identity.up_key:
        raise WordError("claim: this board has no key yet; provision it")
    from phonehome_wire.owning import in_groups, owner_code

    code = owner_code(identity.up_key, identity.device, session.inc, session.boot)
    write("device", identity.device.hex())
    write("code", in_groups(code))
    forget(_OWNING)
