"""The receiver: durable intake of signed reports, and the tickets that come of them.

Its libraries are loaded here for the first time, without what they would load beside themselves
and the receiver has no use of: 2.5 MiB of each process.
"""

from .absent import absent

with absent("greenlet"):  # for SQLAlchemy's asyncio, which the store has threads for: 1.1 MiB
    import sqlalchemy as _sqlalchemy  # noqa: F401
with absent("dns"):  # for brokers that are found by SRV records: 1.4 MiB
    import paho.mqtt.client as _mqtt  # noqa: F401
