"""What a world file must mean together with its product; each check yields its findings."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from phonehome_product import Fault, Product
from phonehome_product.fields import Finding
from phonehome_product.lines import Path
from phonehome_product.vocabulary import nearest

from .world import DAY_HOURS, EVERYWHERE, Household, Technician, Trouble, World

_TOLERANCE = Decimal("0.005")  # thirds written with two decimals are meant as thirds


def check_world(world: World, product: Product) -> Iterator[Finding]:
    """Yield every contradiction of a world with itself and with its product."""
    yield from _check_zone(world)
    yield from _check_people(world, product)
    yield from _check_names(
        ("part",), "number", [s.number for s in world.parts], {p.number for p in product.parts}
    )
    yield from _check_names(
        ("sensor",), "name", [s.name for s in world.sensors], {s.name for s in product.sensors}
    )
    faults = {fault.code: fault for fault in product.faults}
    yield from _check_names(("fault",), "code", [t.code for t in world.troubles], faults)
    for number, trouble in enumerate(world.troubles):
        if trouble.code in faults:
            yield from _check_trouble(trouble, ("fault", number), faults[trouble.code])
    if world.troubles and all(t.share == 0 for t in _all_troubles(world, product)):
        yield ("fault", 0, "share"), 0, "nothing ever fails", "give one fault a share above 0"
    yield from _check_batches(world, faults)


def _all_troubles(world: World, product: Product) -> Iterator[Trouble]:
    told = {trouble.code: trouble for trouble in world.troubles}
    for fault in product.faults:
        yield told.get(fault.code) or Trouble(code=fault.code)


def _check_zone(world: World) -> Iterator[Finding]:
    zone = world.world.zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = "write a name of the tz database, such as Europe/Berlin"
        yield ("world", "zone"), zone, "no such time zone", fix


def _check_people(world: World, product: Product) -> Iterator[Finding]:
    yield from _check_shares("household", [household.share for household in world.households])
    yield from _check_shares("area", [area.share for area in world.areas])
    names = [household.name for household in world.households]
    yield from _check_repeated(("household",), "name", names)
    for number, household in enumerate(world.households):
        yield from _check_days(household, ("household", number))
    places = [area.place for area in world.areas] or [EVERYWHERE]
    yield from _check_repeated(("area",), "place", places)
    yield from _check_repeated(("technician",), "name", [t.name for t in world.technicians])
    for number, technician in enumerate(world.technicians):
        yield from _check_technician(technician, ("technician", number), places, product)
    yield from _check_reach(world, product)


def _check_shares(key: str, shares: Collection[Decimal]) -> Iterator[Finding]:
    total = sum(shares, Decimal(0))
    if shares and abs(total - 1) > _TOLERANCE:
        scaled = ", ".join(f"{share / total:.2f}" for share in shares)
        what = f"the shares of [[{key}]] sum to {total:f}, not to 1"
        yield (key, 0, "share"), next(iter(shares)), what, f"write {scaled}"


def _check_days(household: Household, path: Path) -> Iterator[Finding]:
    for key in ("workday", "saturday", "sunday"):
        hours = len(getattr(household, key))
        if hours != DAY_HOURS:
            what = f"{hours} probabilities"
            yield (*path, key), None, what, f"write {DAY_HOURS}, one for each hour from midnight"


def _check_technician(
    technician: Technician, path: Path, places: Collection[str], product: Product
) -> Iterator[Finding]:
    for place, start in enumerate(technician.areas or ()):
        if not any(known.startswith(start) for known in places):
            fix = f"write a start of a place: {', '.join(places)}"
            yield (*path, "areas", place), start, "no [[area]] lies there", fix
    if technician.from_hour >= technician.until_hour:
        what = f"not before until_hour = {technician.until_hour}"
        yield (*path, "from_hour"), technician.from_hour, what, "write hours of one day in order"
    if not technician.weekdays:
        yield (*path, "weekdays"), None, "never works", 'write days such as ["mon", "tue"]'
    skills = skills_of(product)
    for place, skill in enumerate(technician.skills or ()):
        here = (*path, "skills", place)
        yield from _check_known(here, skill, skills, "the product has no such skill")


def skills_of(product: Product) -> frozenset[str]:
    """Every skill that the product names."""
    own = product.service.skills if product.service else ()
    return frozenset(own) | {s for f in product.faults for a in f.actions for s in a.skills}


def _check_reach(world: World, product: Product) -> Iterator[Finding]:
    """A visit that nobody can make would wait for ever."""
    if not world.technicians:
        return
    visits = {a.skills for f in product.faults for a in f.actions if a.kind == "visit"}
    for number, area in enumerate(world.areas):
        coming = [t for t in world.technicians if t.areas is None or _is_in(area.place, t.areas)]
        for skills in sorted(visits):
            if not any(t.skills is None or set(skills) <= set(t.skills) for t in coming):
                what = f"no technician who drives there has {' and '.join(skills) or 'any skill'}"
                yield ("area", number, "place"), area.place, what, "add a [[technician]] or skills"
                break


def _is_in(place: str, starts: Collection[str]) -> bool:
    return any(place.startswith(start) for start in starts)


def _check_trouble(trouble: Trouble, path: Path, fault: Fault) -> Iterator[Finding]:
    causes = {cause.id for cause in fault.causes}
    for key in ("cause", "heals"):
        yield from _check_causes(getattr(trouble, key), (*path, key), causes, fault)
    for place, cause in enumerate(trouble.elsewhere):
        what = f"{fault.code} of the product has no such cause"
        yield from _check_known((*path, "elsewhere", place), cause, causes, what)
    total = sum(trouble.cause.values(), Decimal(0))
    if trouble.cause and abs(total - 1) > _TOLERANCE:
        first, value = next(iter(trouble.cause.items()))
        scaled = ", ".join(
            f"{name} = {p / total:.2f}" for name, p in trouble.cause.items() if total
        )
        what = f"the causes of {fault.code} sum to {total:f}, not to 1"
        yield (*path, "cause", first), value, what, f"write {scaled or 'their probabilities'}"
    evidence = [sign.id for sign in trouble.evidence]
    yield from _check_names((*path, "evidence"), "id", evidence, {e.id for e in fault.evidence})
    actions = [remedy.id for remedy in trouble.action]
    yield from _check_names((*path, "action"), "id", actions, {a.id for a in fault.actions})
    for place, sign in enumerate(trouble.evidence):
        here: Path = (*path, "evidence", place, "given")
        yield from _check_causes(sign.given, here, causes, fault)
    for place, remedy in enumerate(trouble.action):
        here = (*path, "action", place, "success")
        yield from _check_causes(remedy.success, here, causes, fault)


def _check_causes(
    given: Mapping[str, object], path: Path, causes: Collection[str], fault: Fault
) -> Iterator[Finding]:
    for cause in given:
        what = f"{fault.code} of the product has no such cause"
        yield from _check_known((*path, cause), cause, causes, what)


def _check_batches(world: World, faults: Mapping[str, Fault]) -> Iterator[Finding]:
    for number, batch in enumerate(world.batches):
        path: Path = ("batch", number)
        what = "no fault of the product has this code"
        yield from _check_known((*path, "code"), batch.code, faults, what)
        if batch.code in faults:
            causes = {cause.id for cause in faults[batch.code].causes}
            what = f"{batch.code} of the product has no such cause"
            yield from _check_known((*path, "cause"), batch.cause, causes, what)


def _check_names(
    path: Path, key: str, names: Collection[str], known: Collection[str]
) -> Iterator[Finding]:
    yield from _check_repeated(path, key, names)
    for number, name in enumerate(names):
        yield from _check_known((*path, number, key), name, known, "the product has none of it")


def _check_known(path: Path, name: str, known: Collection[str], what: str) -> Iterator[Finding]:
    if name not in known:
        near = nearest(name, known)
        others = f"use one of {', '.join(sorted(known))}" if known else "remove it: there is none"
        yield path, name, what, f"did you mean {near}?" if near else others


def _check_repeated(path: Path, key: str, values: Iterable[Hashable]) -> Iterator[Finding]:
    first: dict[Hashable, int] = {}
    for number, value in enumerate(values):
        if value in first:
            what = f"the same {key} as number {first[value] + 1}"
            yield (*path, number, key), value, what, "give each its own"
        first.setdefault(value, number)
