"""One board becomes a device, from its prompt to its place with the receiver."""

import asyncio
import os
from dataclasses import dataclass

from phonehome_tools.cable.board import Board, open_board
from phonehome_tools.fleet.errors import DeskError
from phonehome_tools.installing.bundle import MPY
from phonehome_tools.packaging.firmware import ask_firmware
from phonehome_tools.provisioning.label import Label
from phonehome_tools.provisioning.order import Order
from phonehome_tools.provisioning.registering import Registered, explain, register
from phonehome_tools.provisioning.writing import (
    KEY_BYTES,
    activate,
    expect_device,
    expect_no_key,
    expect_parts,
    forget_waiting,
    read_product,
    read_waiting_key,
    write_waiting,
)


@dataclass(frozen=True)
class Provisioned:
    """A device that the receiver knows, and what goes on its label."""

    port: str
    epoch: int
    label: Label


def provision(port: str, order: Order) -> Provisioned:
    """Draw a key, write it, register it, and start the board; CableError.

    Where no answer came from the receiver the key waits on the board for the next try; where one
    came and was no, the board is as it was.
    """
    with open_board(port) as board:
        ask_firmware(board).expect_fit(MPY)
        device = expect_device(board, order.device)
        expect_no_key(board, order.may_replace)
        expect_parts(board, order)
        product = order.product or read_product(board)
        key = read_waiting_key(board) or os.urandom(KEY_BYTES)
        write_waiting(board, order, key)
        registered = _register(board, order, device, product, key)
        activate(board, bytes([registered.epoch]) + key)
        board.reset()
    return Provisioned(port, registered.epoch, Label(device, product, registered.code, order.api))


def _register(board: Board, order: Order, device: str, product: str, key: bytes) -> Registered:
    try:
        return asyncio.run(register(order, device, product, key))
    except DeskError as error:
        if error.status:
            forget_waiting(board)
        raise explain(order, error, device) from error
