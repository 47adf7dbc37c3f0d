"""The vectors, and how both interpreters read them."""

import json

from phonehome_wire.downlink import open_downlink
from phonehome_wire.envelope import peek, unseal
from phonehome_wire.errors import RefusedError
from phonehome_wire.uplink import decode_uplink

FOLDER = __file__.rsplit("/", 2)[0] + "/vectors/"


def load(name):
    """One vector file as it is written."""
    with open(FOLDER + name) as file:
        return json.load(file)


GOLDEN = load("golden.json")
DEVICE_KEY = bytes.fromhex(GOLDEN["k_dev"])
DEVICE = bytes.fromhex(GOLDEN["device"])
KID = bytes.fromhex(GOLDEN["kid"])
UP_KEY = bytes.fromhex(GOLDEN["k_up"])
DOWN_KEY = bytes.fromhex(GOLDEN["k_dn"])


def positives():
    """Golden messages: name, direction, alg, payload and message as bytes."""
    return [
        (p["name"], p["dir"], p["alg"], bytes.fromhex(p["payload"]), bytes.fromhex(p["msg"]))
        for p in GOLDEN["positive"]
    ]


def payload_of(name):
    """The payload of one golden message."""
    return next(p[3] for p in positives() if p[0] == name)


def message_of(name):
    """One golden message, signed."""
    return next(p[4] for p in positives() if p[0] == name)


def negatives():
    """Messages to refuse, one after the other: name, direction, message, reason; ours are a
    line each in their file, because a board cannot hold them all.
    """
    for row in GOLDEN["negative"]:
        yield _refused(row)
    with open(FOLDER + "negative.jsonl") as file:
        for line in file:
            yield _refused(json.loads(line))


def _refused(row):
    return row["name"], row["dir"], bytes.fromhex(row["msg"]), row["expect"]


def receive(way, message):
    """What either end does with a message: uplinks by their kid's key, downlinks for one kid."""
    if way == "dn":
        return open_downlink(message, DOWN_KEY, KID)
    if peek(message)[1] != KID:
        raise RefusedError("kid", "no such device or epoch")
    return decode_uplink(unseal(message, UP_KEY))


def reason_of(function, *args):
    """The reason with which a call refuses, None when it does not."""
    try:
        function(*args)
    except RefusedError as error:
        return error.reason
    return None
