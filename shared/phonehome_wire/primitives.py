"""HMAC and strict UTF-8, from what the interpreter has.

Apart from `compat`, which all modules need: a board needs these only while it speaks.
"""

from .compat import IS_MICROPYTHON

if IS_MICROPYTHON:
    from .portable import decode_utf8, encode_utf8, hmac_sha256, is_equal
else:
    from .native import decode_utf8, encode_utf8, hmac_sha256, is_equal

__all__ = ["decode_utf8", "encode_utf8", "hmac_sha256", "is_equal"]
