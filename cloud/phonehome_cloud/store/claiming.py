"""An owner claims an appliance: with the code of its label, or the one that its console tells.

One that is nobody's is theirs at once. One that is somebody's stays that until who has it says
that they gave it away, or the desk does.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from phonehome_cloud.core.labels import code_hash
from phonehome_cloud.core.people import kinds
from phonehome_cloud.core.people.sheets import Row
from phonehome_cloud.errors import ConflictError, NotFoundError
from phonehome_wire.keys import up_key
from phonehome_wire.owning import BOOTS_AHEAD, owner_code

from . import effects, keys, links
from .books import Entry, draw_id, write
from .dialects import insert
from .handing import erase_if_idle, find_waiting, hand_over
from .people_tables import appliance, owner, transfer
from .schema import device, session
from .vault import Vault

YOURS: Final = "yours"
ASKED: Final = "asked"
HAND_OVER: Final = "hand_over"  # the purpose of the link that asks who has it
MY_PAGE: Final = "my"  # the purpose of the link to an owner's own page
ASK_MS: Final = 14 * 86_400_000
_PAGE_MS: Final = 365 * 86_400_000
Settle = Callable[[Connection, str, int], object]  # approve or refuse
_WHO: Final = "claim"
_SAME: Final = ("name", "mail", "phone", "street", "postcode", "city", "country", "zone")


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim came to (YOURS or ASKED), by whom, and where their page is.

    The page of who was known before goes by mail alone: that somebody knows a name and an address
    does not make them that person.
    """

    state: str
    owner: str
    page: str | None


def proves(connection: Connection, vault: Vault, dev: str, code: str) -> bool:
    """Whether this is the code on the label of a device, or the one that it tells now.

    False as well for a device that nobody registered, or that was revoked.
    """
    columns = device.c.code_hash, device.c.revoked_at
    row = connection.execute(select(*columns).where(device.c.device == dev)).first()
    if row is None or row.revoked_at is not None:
        return False
    if row.code_hash is not None and hmac.compare_digest(row.code_hash, code_hash(dev, code)):
        return True
    return _is_told(connection, vault, dev, code)


def _is_told(connection: Connection, vault: Vault, dev: str, code: str) -> bool:
    """Whether a boot that was heard last, or one not long after it, tells this code."""
    query = select(session.c.inc, session.c.boot).where(session.c.device == dev, session.c.newest)
    newest = connection.execute(query.order_by(session.c.inc_seen_at.desc())).first()
    if newest is None:
        return False
    raw, inc = bytes.fromhex(dev), bytes.fromhex(newest.inc)
    for epoch in keys.states(connection, dev):
        key = keys.read_key(connection, vault, dev, epoch)
        if key is None:
            continue
        signing = up_key(key, raw)
        for boot in range(newest.boot, newest.boot + BOOTS_AHEAD):
            told = owner_code(signing, raw, inc, boot)
            if hmac.compare_digest(told.encode(), code.encode()):
                return True
    return False


def claim(connection: Connection, dev: str, values: Mapping[str, Any], now_at: int) -> Claimed:
    """Give a device whose code was right to somebody with these values, or ask who has it.

    The same claim again is the same claim. ConflictError while another one is being asked about.
    """
    known = _find_same(connection, values)
    name = known or _write_owner(connection, values, now_at)
    held = _lock(connection, dev, now_at)
    if held is None or held == name:
        _give(connection, dev, name, now_at)
        page = _welcome(connection, dev, name, now_at)
        return Claimed(YOURS, name, None if known else page)
    _ask(connection, dev, held, name, now_at)
    return Claimed(ASKED, name, None)


def _write_owner(connection: Connection, values: Mapping[str, Any], now_at: int) -> str:
    name = draw_id()
    row = Row("", 0, {**values, "id": name, "number": None}, {})
    write(connection, kinds.OWNERS, [row], Entry(_WHO, now_at, {}))
    return name


def _find_same(connection: Connection, values: Mapping[str, Any]) -> str | None:
    """An owner of this very name, mail and address; None when there is none."""
    query = select(owner).where(owner.c.mail == values["mail"])
    for row in connection.execute(query).mappings():
        if all(row[name] == values[name] for name in _SAME):
            return str(row["owner"])
    return None


def _lock(connection: Connection, dev: str, now_at: int) -> str | None:
    """Whose device it is, locked; a row is made of what nobody wrote down yet."""
    new = {"device": dev, "grants": [], "updated_at": now_at}
    connection.execute(insert(connection, appliance).values(new).on_conflict_do_nothing())
    query = select(appliance.c.owner).where(appliance.c.device == dev).with_for_update()
    held: str | None = connection.execute(query).scalar_one()
    return held


def _give(connection: Connection, dev: str, name: str, now_at: int) -> None:
    values = {"owner": name, "owned_at": now_at, "updated_at": now_at}
    free = appliance.c.device == dev, appliance.c.owner.is_(None)
    connection.execute(appliance.update().where(*free).values(values))


def _ask(connection: Connection, dev: str, held: str, name: str, now_at: int) -> None:
    """Ask who has it; the first who wants it is the one who is asked about."""
    wanted = connection.execute(select(transfer).where(transfer.c.device == dev)).first()
    if wanted is not None and wanted.to_owner == name:
        return
    if wanted is not None:
        raise ConflictError(f"somebody else has claimed {dev}; its owner is being asked")
    until_at = now_at + ASK_MS
    row = {"device": dev, "to_owner": name, "asked_at": now_at, "expires_at": until_at}
    connection.execute(transfer.insert().values(row))
    token = links.make(connection, HAND_OVER, dev, until_at)
    _tell(connection, "hand_over", held, dev, now_at, link=f"/claim/hand-over/{token}")


def approve(connection: Connection, dev: str, now_at: int) -> str:
    """The appliance goes to who claimed it, what the owner before left is wiped; returns whose.

    NotFoundError when nobody waits for it.
    """
    name = _expect(connection, dev)
    hand_over(connection, dev, name, now_at)
    links.end(connection, HAND_OVER, dev)
    _welcome(connection, dev, name, now_at)
    return name


def refuse(connection: Connection, dev: str, now_at: int) -> None:
    """The appliance stays whose it is; who claimed it is erased again. NotFoundError."""
    name = _expect(connection, dev)
    connection.execute(delete(transfer).where(transfer.c.device == dev))
    links.end(connection, HAND_OVER, dev)
    erase_if_idle(connection, name, now_at)


def let_go(connection: Connection, dev: str, now_at: int) -> None:
    """Its owner has no use for it any more: it is theirs who waits for it, or nobody's."""
    if find_waiting(connection, dev) is not None:
        approve(connection, dev, now_at)
    else:
        hand_over(connection, dev, None, now_at)


def sweep(connection: Connection, now_at: int) -> int:
    """Refuse every claim that nobody answered in time; returns how many those were."""
    query = select(transfer.c.device).where(transfer.c.expires_at <= now_at)
    late = list(connection.execute(query.with_for_update(skip_locked=True)).scalars())
    for dev in late:
        refuse(connection, dev, now_at)
    return len(late)


def list_transfers(connection: Connection) -> list[dict[str, Any]]:
    """Who waits for which appliance, the oldest first."""
    query = select(transfer, appliance.c.owner).join(
        appliance, appliance.c.device == transfer.c.device
    )
    return [
        dict(row) for row in connection.execute(query.order_by(transfer.c.asked_at)).mappings()
    ]


def _expect(connection: Connection, dev: str) -> str:
    name = find_waiting(connection, dev)
    if name is None:
        raise NotFoundError(f"nobody waits for {dev}")
    return name


def _welcome(connection: Connection, dev: str, name: str, now_at: int) -> str:
    """Tell them that it is theirs; returns where their page is."""
    token = links.make(connection, MY_PAGE, f"owner:{name}", now_at + _PAGE_MS)
    _tell(connection, "claimed", name, dev, now_at, link=f"/my/{token}")
    return f"/my/{token}"


def _tell(
    connection: Connection, template: str, name: str, dev: str, now_at: int, *, link: str
) -> None:
    row = connection.execute(select(owner.c.mail).where(owner.c.owner == name)).first()
    if row is None or row.mail is None:
        return
    key = f"{template}:{dev}:{name}:{now_at}"
    effects.add(
        connection,
        effects.Effect(
            key=key,
            kind="mail",
            to=f"owner:{name}",
            template=template,
            data={"appliance": _product_of(connection, dev), "device": dev, "link": link},
            device=dev,
            ticket=None,
            due_at=now_at,
            expires_at=now_at + ASK_MS,
        ),
        now_at,
    )


def _product_of(connection: Connection, dev: str) -> str:
    row = connection.execute(select(device.c.product).where(device.c.device == dev)).first()
    return (row.product if row else None) or "appliance"
