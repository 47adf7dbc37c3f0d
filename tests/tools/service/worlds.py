"""Worlds for tests: text that is put over a world in which nothing is left to chance."""

from pathlib import Path

from phonehome_product import load
from phonehome_tools.service_world.failures import failures
from phonehome_tools.service_world.reading import load_world
from phonehome_tools.service_world.year import run_year

BULB = Path(__file__).with_name("bulb.toml")
# Everybody is home, agrees, keeps appointments and sees at once; technicians do as they are told.
CERTAIN = """
[world]
title = "Certain"
product = "bulb.toml"
appliances = {appliances}
faults_per_year = 1
max_age_years = 0
[owners]
agrees = 1
does_steps = 1
fits_parts = 1
keeps_visit = 1
[[household]]
name = "home"
workday = [{home}]
saturday = [{home}]
sunday = [{home}]
[[technician]]
name = "any"
count = 3
[craft]
finds_cause = {finds}
codes_right = 1
in_van = {in_van}
prepared = {prepared}
[desk]
finds_cause = {desk}
booking_minutes = 0
"""
HOME = ", ".join(["1"] * 24)


def write_world(folder, text, finds=0, in_van=0, desk=0, appliances=400, prepared=1):
    """A world file beside the bulb."""
    (folder / "bulb.toml").write_bytes(BULB.read_bytes())
    path = folder / "world.toml"
    head = CERTAIN.format(
        home=HOME,
        finds=finds,
        in_van=in_van,
        desk=desk,
        appliances=appliances,
        prepared=prepared,
    )
    path.write_text(head + text)
    return path


def product_of(word, folder):
    """The product of a world file in a folder."""
    return load(folder / word)


def read(path):
    """The world and the product of a file."""
    return load_world(path, product_of)


def entries_of(path, policy, seed=1):
    """The books of one year under one policy."""
    world, product = read(path)
    return run_year(world, product, failures(world, product, seed), policy)
