"""Import: several files at once, all or nothing, and every bad row is told; by the command."""

import asyncio
import base64
import json
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from phonehome_cloud.store import people
from phonehome_cloud.store.people_tables import appliance, owner
from tests.cloud.running import TOKEN, running

pytestmark = pytest.mark.usefixtures("each_database")
EXAMPLES = Path(__file__).parents[2] / "cloud" / "examples"
WASHER, FRIDGE = "a4cf12fffe05d3b1", "a4cf12fffe05d3b2"
HEAD = "number,name,zone\n"


async def command(receiver, *words):
    """`phonehome people`: exit code, what it printed and what it complained about."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "phonehome_tools.cli", "people", *map(str, words), "--server", receiver.url),
        env={"PHONEHOME_API_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def load(receiver, expect=200, *, dry_run=False, **files):
    """One call: files by kind, as text."""
    found = [
        {"kind": kind, "name": f"{kind}.csv", "content": base64.b64encode(text.encode()).decode()}
        for kind, text in files.items()
    ]
    body = {"files": found, "dry_run": dry_run}
    return await receiver.api("POST", "/people/import", expect, json=body)


async def register(receiver):
    """The two devices of the examples."""
    for device, product in ((WASHER, "washer"), (FRIDGE, "fridge")):
        body = {"device": device, "product": product}
        await receiver.api("POST", "/devices", 201, json=body)


async def count_rows(receiver, table):
    """How many rows a table has."""
    rows = await receiver.database.read(lambda c: c.execute(select(table)).all())
    return len(rows)


async def test_the_examples_are_imported_together(tmp_path):
    """Whatever the order of the files; the same again changes nothing; a dry run neither."""
    async with running(tmp_path) as receiver:
        await register(receiver)
        files = sorted(EXAMPLES.glob("*.csv"))
        assert len(files) == 6
        code, out, err = await command(receiver, "import", "--dry-run", *files)
        assert (code, err) == (0, "nothing was written\n")
        assert "owners: 2 new, 0 changed, 0 as they were" in out
        assert await count_rows(receiver, owner) == 0
        code, out, err = await command(receiver, "import", *files)
        assert (code, err) == (0, "")
        found = await receiver.database.read(people.find_owner, WASHER)
        assert (found.name, found.consents) == ("Jane Miller", frozenset(("visit", "presence")))
        fridge = await receiver.database.read(people.find_appliance, FRIDGE)
        assert (fridge.payer(receiver_now()), fridge.granted(receiver_now())) == (
            "contract",
            frozenset(("visit", "part")),
        )
        pump = await receiver.database.read(people.availability, "WM-PUMP-01", 0)
        assert (pump.days, pump.free) == (0, 3)
        code, out, _ = await command(receiver, "import", *files)
        assert code == 0
        assert out.count("0 new, 0 changed") == 6


def receiver_now():
    """A moment at which the example's contract is good."""
    return 1_795_800_000_000


async def test_a_terminal_is_told_the_place_and_how_many(tmp_path):
    """A whole line has no column; beside the good rows the bad ones are counted."""
    async with running(tmp_path) as receiver:
        file = tmp_path / "owners.csv"
        file.write_text(HEAD + "K-1,Jane,UTC\nK-2,Jim\nK-3,,Moon\n")
        code, out, _ = await command(receiver, "import", "--dry-run", file)
        assert code == 3
        assert f"{file}:3: '2 cells': 3 cells as in the header" in out
        assert f"{file}:4:zone: 'Moon': " in out
        assert "owners: 1 new, 0 changed, 0 as they were, 2 wrong" in out


async def test_every_bad_row_is_told_and_nothing_is_written(tmp_path):
    """Of all files, by file, line, column and value, also what only the database knows."""
    async with running(tmp_path) as receiver:
        await register(receiver)
        good = tmp_path / "owners.csv"
        good.write_text(HEAD + "K-1,Jane,UTC\n")
        bad = tmp_path / "appliances.csv"
        bad.write_text(
            "device,product,owner,bought\n"
            "00000000000000ff,washer,K-1,2026-05-01\n"
            f"{WASHER},toaster,K-1,2026-05-01\n"
            f"{FRIDGE},fridge,K-9,2026-05-01\n"
            f"{FRIDGE},fridge,K-1,2026-02-30\n"
        )
        parts = tmp_path / "parts.csv"
        parts.write_text("part,title,supplier,vans,stock\nP-1,Pump,nobody,T-9=1,1\nP-2,x,,,-1\n")
        code, out, err = await command(receiver, "import", "--dry-run", good, bad, parts, "--json")
        assert code == 3
        told = [json.loads(line) for line in out.splitlines()]
        places = [
            (Path(p["file"]).name, p["line"], p["column"], p["value"]) for p in told if "fix" in p
        ]
        assert places == [
            ("appliances.csv", 2, "device", "00000000000000ff"),
            ("appliances.csv", 3, "product", "toaster"),
            ("appliances.csv", 4, "owner", "K-9"),
            ("appliances.csv", 5, "bought", "2026-02-30"),
            ("appliances.csv", 5, "device", FRIDGE),
            ("parts.csv", 2, "supplier", "nobody"),
            ("parts.csv", 2, "vans", "T-9=1"),
            ("parts.csv", 3, "stock", "-1"),
        ]
        code, out, err = await command(receiver, "import", good, bad)
        assert code == 3
        assert f"{bad}:3:product: 'toaster': the device is registered as washer" in out
        assert "5 values are wrong; nothing was written" in err
        assert await count_rows(receiver, owner) == 0
        assert await count_rows(receiver, appliance) == 0


async def test_who_refers_to_a_bad_row_is_not_to_blame(tmp_path):
    """An appliance of an owner whose own row is bad is no second mistake."""
    async with running(tmp_path) as receiver:
        await register(receiver)
        owners = HEAD + "K-1,Jane,Nowhere\n"
        appliances = f"device,owner\n{WASHER},K-1\n"
        done = await load(receiver, dry_run=True, owners=owners, appliances=appliances)
        assert [(p["file"], p["column"]) for p in done["problems"]] == [("owners.csv", "zone")]


async def test_a_row_changes_only_what_it_has(tmp_path):
    """A file with fewer columns leaves the others; an empty cell empties."""
    async with running(tmp_path) as receiver:
        head = "number,name,zone,mail,phone\n"
        await load(receiver, owners=head + "K-1,Jane,UTC,jane@example.org,+4930123456\n")
        done = await load(receiver, owners="number,name,zone,phone\nK-1,Jane M,UTC,\n")
        assert done["files"] == [
            {"name": "owners.csv", "kind": "owners", "created": 0, "updated": 1, "unchanged": 0}
        ]
        (found,) = (await receiver.api("GET", "/owners"))["items"]
        assert (found["name"], found["mail"], found["phone"]) == (
            "Jane M",
            "jane@example.org",
            None,
        )


async def test_the_books_do_not_take_an_appliance_from_who_claimed_it(tmp_path):
    """Who claimed it may be who the books mean: somebody has to say so, and nobody is wiped."""
    async with running(tmp_path) as receiver:
        await register(receiver)
        made = await receiver.api("POST", "/owners", 201, json={"name": "Jane", "zone": "UTC"})
        jane = made["owner"]
        await receiver.api("PUT", f"/appliances/{WASHER}", 201, json={"owner": jane})
        head = "device,owner,serial\n"
        await load(receiver, owners=HEAD + "K-1,Jane Miller,UTC\n")
        await load(receiver, appliances=f"{head}{WASHER},,SN7\n")
        shown = await receiver.api("GET", f"/appliances/{WASHER}")
        assert (shown["owner"], shown["serial"]) == (jane, "SN7")
        problem = await load(receiver, 422, appliances=f"{head}{WASHER},K-1,SN7\n")
        (error,) = problem["errors"]
        assert jane in error["fix"]
        await receiver.api("GET", f"/owners/{jane}")
        # With a number of the books another owner is a resale.
        body = {"name": "Jane", "zone": "UTC", "number": "K-2"}
        await receiver.api("PUT", f"/owners/{jane}", json=body)
        await load(receiver, appliances=f"{head}{WASHER},K-1,SN7\n")
        await receiver.api("GET", f"/owners/{jane}", 404)


async def test_stock_never_falls_below_what_is_promised(tmp_path):
    """An import that says so is refused, and tells how many are reserved."""
    async with running(tmp_path) as receiver:
        await load(receiver, parts="part,title,stock\nP-1,Pump,3\n")
        await receiver.database.write(people.reserve, "P-1", 2, 0)
        problem = await load(receiver, 422, parts="part,title,stock\nP-1,Pump,1\n")
        assert problem["errors"] == [
            {"field": "parts.csv:2:stock", "value": "1", "fix": "2 are reserved: 2 or more"}
        ]
        await load(receiver, parts="part,title\nP-1,Other name\n")
        assert (await receiver.database.read(people.availability, "P-1", 0)).free == 1


async def test_files_that_are_no_files_of_ours(tmp_path):
    """An unknown kind, a name twice, a name that says nothing."""
    async with running(tmp_path) as receiver:
        problem = await load(receiver, 422, pets="a,b\n")
        assert problem["errors"][0]["field"] == "kind"
        file = {"kind": "owners", "name": "a.csv", "content": ""}
        body = {"files": [file, file]}
        problem = await receiver.api("POST", "/people/import", 422, json=body)
        assert problem["errors"][0]["field"] == "name"
        other = tmp_path / "people.csv"
        other.write_text(HEAD)
        code, _, err = await command(receiver, "import", other)
        assert code == 2
        assert "--kind" in err
        assert (await command(receiver, "import", tmp_path / "missing.csv", "--kind", "owners"))[
            0
        ] == 2


async def test_many_rows_do_not_take_long(tmp_path):
    """Ten thousand owners are one call of a few seconds; intake waits no longer than that."""
    async with running(tmp_path) as receiver:
        lines = [f"K-{n},Jane {n},Europe/Berlin,jane{n}@example.org" for n in range(10_000)]
        text = "number,name,zone,mail\n" + "\n".join(lines)
        began_s = time.process_time()
        done = await load(receiver, owners=text)
        took_s = time.process_time() - began_s
        assert done["files"][0]["created"] == 10_000
        assert took_s < 20
