"""The linked agent: which modules it drops together, and what its functions may be called."""

import ast

from phonehome.core import ondemand
from phonehome_tools.linking import rom
from phonehome_tools.linking.device import link_device


def test_what_rests_is_in_one_room():
    """A linked agent drops a room, and not by names: all that a bare one drops is in it."""
    linked = link_device()
    wire = [name for name in linked.addresses if name.rpartition(".")[0] == "phonehome_wire"]
    assert len(ondemand._SELDOM) > 20 and len(wire) > 20
    rooms = {linked.addresses[name].rpartition(".")[0] for name in (*ondemand._SELDOM, *wire)}
    assert rooms == {linked.addresses["phonehome.core.reporting"]}


def test_no_function_has_a_name_that_the_compiler_takes_for_its_own():
    """A call of `super()` or `const(1)` is compiled to something else than a call."""
    statements = [s for tree in link_device().units.values() for s in tree.body]
    names = {s.name for s in statements if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert len(names) > 50
    assert names & rom.COMPILED == set()
