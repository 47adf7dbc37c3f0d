"""World files that are wrong: each mistake with file, line, key, value and what to write."""

import pytest

from phonehome_product import ProductError
from phonehome_tools.service_world.reading import load_world
from tests.tools.service.worlds import BULB, product_of

HEAD = '[world]\ntitle = "W"\nproduct = "bulb.toml"\n'
HOURS = ", ".join(["0.5"] * 24)
WRONG = [
    ("", "world: missing; add a section"),
    ('[world]\nproduct = "bulb.toml"\n', 'world.title: missing; add the line "title = ..."'),
    (HEAD + "apliances = 3\n", "4: world.apliances = 3: no such key; did you mean appliances?"),
    (HEAD + "appliances = 0\n", "world.appliances = 0: too small; write 1 or more"),
    (HEAD + "faults_per_year = 0\n", "world.faults_per_year = 0: too small; write more than 0"),
    (HEAD + 'zone = "Mars/Base"\n', 'world.zone = "Mars/Base": no such time zone'),
    (HEAD.replace("bulb.toml", "bulp.toml"), 'world.product = "bulp.toml": cannot be used'),
    (HEAD + "[owners]\nagrees = 1.5\n", "5: owners.agrees = 1.5: too large; write 1 or less"),
    (HEAD + '[owners]\nagrees = "yes"\n', 'owners.agrees = "yes": not a number'),
    (HEAD + "[owner]\nagrees = 1\n", "owner = {...}: no such key; did you mean owners?"),
    (
        HEAD + '[[household]]\nname = "a"\nworkday = [1, 0]\n',
        "household.a.workday: 2 probabilities; write 24, one for each hour",
    ),
    (
        HEAD + '[[household]]\nname = "a"\nshare = 0.5\n[[household]]\nname = "b"\nshare = 0.3\n',
        "household.a.share = 0.5: the shares of [[household]] sum to 0.8, not to 1; write 0.62",
    ),
    (
        HEAD + '[[area]]\nplace = "DE-1"\n[[technician]]\nname = "t"\nareas = ["FR"]\n',
        'technician.t.areas.1 = "FR": no [[area]] lies there; write a start of a place: DE-1',
    ),
    (
        HEAD + '[[area]]\nplace = "DE-1"\n[[technician]]\nname = "t"\nskills = []\n',
        'area.1.place = "DE-1": no technician who drives there has lamp; add a [[technician]]',
    ),
    (
        HEAD + '[[technician]]\nname = "t"\nskills = ["lamb"]\n',
        'technician.t.skills.1 = "lamb": the product has no such skill; did you mean lamp?',
    ),
    (
        HEAD + '[[technician]]\nname = "t"\nfrom_hour = 17\nuntil_hour = 8\n',
        "technician.t.from_hour = 17: not before until_hour = 8",
    ),
    (
        HEAD + '[[technician]]\nname = "t"\nweekdays = ["monday"]\n',
        'technician.t.weekdays.1 = "monday": not a known word; write one of',
    ),
    (
        HEAD + '[[part]]\nnumber = "BULP"\n',
        'part.BULP.number = "BULP": the product has none of it; did you mean BULB?',
    ),
    (
        HEAD + '[[sensor]]\nname = "lihgt"\n',
        'sensor.lihgt.name = "lihgt": the product has none of it; did you mean light?',
    ),
    (HEAD + "[costs]\ntruck = -1\n", "costs.truck = -1: too small; write 0 or more"),
    (HEAD + "[costs]\ntrucks = 1\n", "costs.trucks = 1: no such key; did you mean truck?"),
    (
        HEAD + '[[fault]]\ncode = "L2"\n',
        'fault.L2.code = "L2": the product has none of it; did you mean L1?',
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\n[[fault]]\ncode = "L1"\n',
        'fault.L1.code = "L1": the same code as number 1; give each its own',
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\ncause = { bulb_dead = 0.5, cord_broken = 0.3 }\n',
        "the causes of L1 sum to 0.8, not to 1; write bulb_dead = 0.62, cord_broken = 0.38",
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\ncause = { bulb_ded = 1 }\n',
        'fault.L1.cause.bulb_ded = "bulb_ded": L1 of the product has no such cause; did you mean',
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\ncause = { bulb_dead = -1 }\n',
        "fault.L1.cause.bulb_dead = -1: too small; write 0 or more",
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\n[[fault.evidence]]\nid = "no_curent"\n',
        'fault.L1.evidence.no_curent.id = "no_curent": the product has none of it; did you mean',
    ),
    (
        HEAD
        + '[[fault]]\ncode = "L1"\n[[fault.evidence]]\nid = "no_current"\ngiven = {bulb = 1}\n',
        'fault.L1.evidence.no_current.given.bulb = "bulb": L1 of the product has no such cause',
    ),
    (
        HEAD
        + '[[fault]]\ncode = "L1"\n[[fault.action]]\nid = "new_bulb"\nsuccess = {bulb_dead = 2}\n',
        "fault.L1.action.new_bulb.success.bulb_dead = 2: too large; write 1 or less",
    ),
    (
        HEAD + '[[fault]]\ncode = "L1"\nshare = 0\n',
        "fault.L1.share = 0: nothing ever fails; give one fault a share above 0",
    ),
    (
        HEAD + '[[batch]]\ncode = "L1"\ncause = "moths"\nshare = 0.1\n',
        'batch.L1.cause = "moths": L1 of the product has no such cause',
    ),
    (HEAD + "[owners\n", "world.toml:4: not TOML"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_mistake_is_named_with_its_place_and_its_fix(tmp_path, text, said):
    """One line: file, line, key, value, what is wrong, what to write."""
    (tmp_path / "bulb.toml").write_bytes(BULB.read_bytes())
    path = tmp_path / "world.toml"
    path.write_text(text)
    with pytest.raises(ProductError) as caught:
        load_world(path, _product_or_error)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def _product_or_error(word, folder):
    if not (folder / word).exists():
        raise ValueError(f"{word} is not here")
    return product_of(word, folder)


def test_the_smallest_world_is_a_title(tmp_path):
    """Every other key has a value that it can do without."""
    path = tmp_path / "world.toml"
    path.write_text('[world]\ntitle = "W"\nproduct = "bulb.toml"\n')
    (tmp_path / "bulb.toml").write_bytes(BULB.read_bytes())
    world, product = load_world(path, product_of)
    assert (world.world.appliances, world.world.days, product.name) == (10_000, 365, "bulb")


def test_hours_are_counted(tmp_path):
    """A day of 24 probabilities is taken."""
    path = tmp_path / "world.toml"
    path.write_text(f'{HEAD}[[household]]\nname = "a"\nworkday = [{HOURS}]\n')
    (tmp_path / "bulb.toml").write_bytes(BULB.read_bytes())
    world, _ = load_world(path, product_of)
    assert len(world.households[0].workday) == 24
