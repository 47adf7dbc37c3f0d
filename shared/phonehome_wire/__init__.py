"""PH/1, the wire between device and receiver: bytes to records and back. No I/O, no clock, no
import of ours.

The same files run on CPython and on MicroPython. Nothing is imported here, so that a board loads
only the modules it names.
"""
