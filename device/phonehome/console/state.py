"""How it does, in answers that fit on a screen."""

from .words import expect_no_words


def tell_version(hands, words: list, write) -> None:
    """Who this is: device, agent, board, firmware, product."""
    import sys

    expect_no_words("version", words)
    birth = hands.reporter.birth
    write("device", hands.reporter.identity.device.hex())
    write("agent", birth.agent)
    write("build", birth.build.hex())
    write("board", birth.platform)
    write("firmware", sys.version)
    write("product", hands.product.name)
    write("product_version", hands.product.version)


def tell_status(hands, words: list, write) -> None:
    """What somebody wants to know first."""
    expect_no_words("status", words)
    write("device", hands.reporter.identity.device.hex())
    write("product", hands.product.name)
    write("uptime_s", hands.now_ms // 1000)
    write("boot", hands.session.boot)
