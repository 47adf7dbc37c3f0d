"""A new appliance instead of a repair."""

from .life import DAY_H, Life, OverError, Steps


def replace(life: Life) -> Steps:
    """A new one comes, which ends the fault; what is lost is the rest of the old one's life."""
    real = life.shop.prices.real
    life.entry.pay("desk", real.lead_minutes * real.desk_minute)
    yield from life.wait(real.lead_days * DAY_H)
    life.entry.pay("replacement", life.shop.worth(life.failure.appliance.age_days))
    raise OverError("replaced")


def offer(life: Life) -> Steps:
    """Offer a new one to the owner; it returns when the owner wants the repair."""
    real = life.shop.prices.real
    life.entry.pay("letters", real.mail)
    yield from life.wait_about(float(life.shop.world.owners.answers_hours), "offer", life.turn())
    if life.happens(float(life.shop.world.owners.accepts_offer), "accepts"):
        yield from replace(life)
