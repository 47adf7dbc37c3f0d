"""What is secret in a configuration: sealed at rest, and put into its command as that is sent.

Neither a listing of commands nor the configuration as it is shown has any of it.
"""

import json
from collections.abc import Mapping

from sqlalchemy import Connection, delete, select

from phonehome_wire.downlink import Command
from phonehome_wire.registry import (
    ARG_CONFIG_VALUES,
    ARG_CONFIG_VERSION,
    COMMAND_SET_CONFIG,
)

from .schema import config_secret, device_config
from .vault import Vault


def secret_binding(dev: str) -> str:
    """The name under which what is secret in a device's configuration is sealed."""
    return f"configuration of device {dev}"


def put(connection: Connection, vault: Vault, dev: str, secrets: Mapping[int, str]) -> None:
    """Keep {key: text} in the place of what was kept before."""
    connection.execute(delete(config_secret).where(config_secret.c.device == dev))
    if secrets:
        sealer = vault.sealer()
        sealed = sealer.seal(secret_binding(dev), json.dumps(dict(secrets)).encode())
        row = {"device": dev, "sealed": sealed, "master": sealer.master}
        connection.execute(config_secret.insert().values(row))


def complete(
    connection: Connection, vault: Vault, dev: str, order: Command | None
) -> Command | None:
    """A command as it goes to the device; None for a configuration that is not wished for now."""
    if order is None or order.code != COMMAND_SET_CONFIG or order.args is None:
        return order
    wished = select(device_config.c.version).where(device_config.c.device == dev)
    if connection.execute(wished).scalar() != order.args[ARG_CONFIG_VERSION]:
        return None
    query = select(config_secret).where(config_secret.c.device == dev)
    row = connection.execute(query).first()
    if row is not None:
        opened = json.loads(vault.open(secret_binding(dev), row.sealed, row.master))
        order.args[ARG_CONFIG_VALUES].update({int(key): text for key, text in opened.items()})
    return order
