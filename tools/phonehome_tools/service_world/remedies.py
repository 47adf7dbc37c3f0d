"""What can be done without a van: steps for the owner, a command, a parcel, a person who calls.

Each is a story that ends the fault (OverError) or returns when it did not help.
"""

from collections.abc import Callable

from phonehome_cloud.core.visiting.presence import Presence
from phonehome_product import Action

from .life import DAY_H, Life, OverError, Steps, Story
from .offers import replace
from .truth import MENDS_AT_HOME
from .visits import visit

STEPS_MINUTES = 15  # of steps whose action does not say how long they take
# As the receiver does (store/acting/self_help.py): a reminder after two days, the end three later.
REMIND_H, GIVE_UP_H = 2 * DAY_H, 3 * DAY_H
MOST_IDLE_H = DAY_H  # a command waits no longer for an appliance that is never idle
SHIPPING_H = DAY_H


def self_help(life: Life, action: Action) -> Story:
    """Steps by mail: the owner does them soon, when reminded of it, or never (then False)."""
    owners, real = life.shop.world.owners, life.shop.prices.real
    life.entry.pay("letters", real.mail)
    if not life.happens(float(owners.does_steps), "does", action.id):
        yield from life.wait(REMIND_H)
        if not life.happens(float(owners.does_reminded), "does when reminded", action.id):
            yield from life.wait(GIVE_UP_H)
            return False
    yield from life.wait_about(float(owners.answers_hours), "steps", action.id, most_h=REMIND_H)
    life.entry.pay("owner", (action.minutes or STEPS_MINUTES) * real.owner_minute)
    if life.mends(action, "by the owner"):
        raise OverError("self_help")
    return True


def remote_fix(life: Life, action: Action) -> Steps:
    """A command, as soon as the appliance can be reached and is idle."""
    devices = life.shop.world.devices
    life.entry.pay("letters", life.shop.prices.real.mail)
    yield from life.wait_about(float(devices.idle_hours), "idle", action.id, most_h=MOST_IDLE_H)
    is_reachable = life.happens(float(devices.reachable), "reachable", action.id)
    if is_reachable and life.mends(action, "by command"):
        raise OverError("remote_fix")


def part(life: Life, action: Action) -> Steps:
    """A part by parcel, and an owner who fits it or does not get round to it."""
    shop = life.shop
    life.entry.pay("parts", shop.prices.real.shipping + shop.price_of(action.parts))
    yield from life.wait(shop.lead_days(action.parts) * DAY_H + SHIPPING_H)
    yield from life.wait_about(float(shop.world.owners.answers_hours), "fits when", action.id)
    life.entry.pay("owner", (action.minutes or STEPS_MINUTES) * shop.prices.real.owner_minute)
    is_fitted = life.happens(float(shop.world.owners.fits_parts), "fits", action.id)
    if is_fitted and life.mends(action, "by parcel"):
        raise OverError("part")


def person(
    life: Life, presence: Presence, believe: Callable[[], Action | None], steps: Action | None
) -> Steps:
    """A person at the desk calls: helps by phone, or sends a technician with what seems right.

    Who finds the cause does what helps against it. Who does not goes through `steps` with the
    owner, if there are any that seem right, and then sends what `believe` says.
    """
    desk, real = life.shop.world.desk, life.shop.prices.real
    turn = life.turn()
    yield from life.wait_about(float(desk.answers_hours), "desk", turn)
    life.entry.pay("desk", float(desk.minutes) * real.desk_minute)
    truth, cause = life.failure.truth, life.failure.cause
    ordered = believe()
    if life.happens(float(desk.finds_cause), "desk finds", turn):
        if cause in truth.elsewhere:
            raise OverError("advised")
        yield from _by_phone(life, truth.best_action(cause, MENDS_AT_HOME))
        ordered = truth.best_action(cause, ("visit",), life.shop.price_of)
        if ordered is None:
            yield from replace(life)
    else:
        yield from _by_phone(life, steps)
    yield from visit(life, ordered, presence)


def _by_phone(life: Life, action: Action | None) -> Steps:
    """What an owner or a command can do, done while the desk is on the phone."""
    if action is None:
        return
    if action.kind == "self_help":
        if not life.happens(float(life.shop.world.owners.does_steps), "does by phone"):
            return
        minutes = action.minutes or STEPS_MINUTES
        life.entry.pay("owner", minutes * life.shop.prices.real.owner_minute)
    yield from life.wait(0.5)
    if life.mends(action, "by phone"):
        raise OverError("by_phone")
