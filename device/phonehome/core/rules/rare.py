"""The kinds that few products use: which file makes the rule; imported when there is one."""

from phonehome_wire.compat import const

KIND_NOISE = const(6)
KIND_DISAGREE = const(7)
KIND_COUNT = const(8)
KIND_DRIFT = const(9)
# 10 is left for a rule that learns what is normal.


def make_rare(spec, channels):
    """Return the rule of a fault whose kind is none of the common ones."""
    if spec.kind == KIND_NOISE:
        from .noise import NoiseRule

        return NoiseRule(spec)
    if spec.kind == KIND_DISAGREE:
        from .disagree import DisagreeRule

        return DisagreeRule(spec, channels)
    if spec.kind == KIND_COUNT:
        from .count import CountRule

        return CountRule(spec)
    from .drift import DriftRule

    return DriftRule()
