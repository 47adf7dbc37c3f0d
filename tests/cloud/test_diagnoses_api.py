"""How a ticket was diagnosed, replays and priors: over the desk API and at the terminal."""

import argparse
import asyncio
import json

import pytest

from phonehome_cloud.core.deciding.situation import Situation
from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_cloud.core.diagnosing.outcomes import technician_found
from phonehome_cloud.core.replaying import Record
from phonehome_cloud.store import priors
from phonehome_product import load, parse
from phonehome_tools import diagnose as verb
from tests.cloud.diagnosed import write_diagnosis
from tests.cloud.running import TOKEN, running
from tests.cloud.voice import StillFrame

pytestmark = pytest.mark.usefixtures("each_database")
NOW = 1_800_000_000_000
# What a washer's frame holds when the pump labours and the water stays.
BLOCKED = {0: (0, [88] * 4), 8: (-2, [34, 34, 35, 34]), 15: (0, [1] * 4)}


@pytest.fixture(scope="module")
def file(project):
    """The washer's product file."""
    return project / "shared/products/washer.toml"


@pytest.fixture(scope="module")
def washer(file):
    """The washer."""
    return load(file)


@pytest.fixture
async def receiver(tmp_path):
    """A receiver that has diagnosed a ticket E21 of a washer, as `receiver.ticket`."""
    async with running(tmp_path) as made:
        voice = await made.register()
        ticket = await blocked_drain(made, voice)
        made.ticket, made.device = ticket["id"], voice.device
        await diagnosed(made, made.ticket)
        yield made


async def blocked_drain(receiver, voice):
    """The ticket of a washer whose pump labours."""
    frame = StillFrame(BLOCKED)
    return await receiver.open_ticket(voice, 520194, 7, channel=0, exp=0, value=0, frame=frame)


async def diagnosed(receiver, ticket):
    """The diagnoses of a ticket, once the loop that looks after it has made one."""
    path = f"/tickets/{ticket}/diagnoses"
    found = await receiver.eventually(
        lambda: receiver.api("GET", path), lambda page: page["items"]
    )
    return found["items"]


def other_prior(file):
    """The washer's file, in which the drain of the house is nearly always to blame."""
    text = file.read_text()
    start, end = text.index('code = "E21"'), text.index('code = "E22"')
    fault = text[start:end]
    for old, new in (
        ("0.55", "0.02"),
        ("0.20\n", "0.02\n"),
        ("0.15\n", "0.01\n"),
        ("0.10", "0.95"),
    ):
        fault = fault.replace(f"prior = {old}", f"prior = {new}", 1)
    return text[:start] + fault + text[end:]


async def run_verb(receiver, tmp_path, *words):
    """Run `phonehome diagnose` against the receiver, in a thread of its own."""
    token = tmp_path / "token"
    token.write_text(TOKEN)
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    place = ("--server", receiver.url, "--token-file", str(token))
    args = parser.parse_args([*words, *place])
    return await asyncio.to_thread(verb.run, args)


async def test_a_diagnosis_is_shown_line_by_line(receiver, tmp_path, capsys):
    """Causes, what moved each by how much, what could not be told, and what was decided."""
    item = (await diagnosed(receiver, receiver.ticket))[-1]
    best = item["causes"][0]
    assert best["cause"] == "filter_clogged"
    assert best["probability"] > best["prior"]
    labours = next(moved for moved in best["moved"] if moved["evidence"] == "pump_labours")
    assert labours["is_there"]
    assert labours["title"] == "The pump draws more current than with free water"
    assert labours["log10"] > 0
    assert "The machine is at its place for less than two months" in item["missing"]
    assert await run_verb(receiver, tmp_path, "show", receiver.ticket) == 0
    text = capsys.readouterr().out
    assert "Lint filter or pump chamber is clogged [filter_clogged]" in text
    assert "The pump draws more current than with free water" in text
    assert f"decided: {item['kind']}" in text
    assert "because" in text


async def test_a_fault_of_no_file_has_no_causes(receiver, tmp_path, capsys):
    """Nothing is made up: a person decides; a ticket that is not there is refused."""
    voice = await receiver.register()
    ticket = await receiver.open_ticket(voice, 4711, 7)
    (item,) = await diagnosed(receiver, ticket["id"])
    assert (item["causes"], item["kind"]) == ([], "person")
    assert item["why_unsure"] == "no product file describes this fault"
    assert await run_verb(receiver, tmp_path, "show", ticket["id"]) == 0
    assert "decided: person" in capsys.readouterr().out
    assert await run_verb(receiver, tmp_path, "show", receiver.ticket + "9") == 1
    assert "no ticket" in capsys.readouterr().err


async def test_the_same_file_changes_nothing(receiver, file, tmp_path, capsys):
    """Replay is exact: what the loop stored is made again, to the last digit shown."""
    body = {"product_file": file.read_text()}
    again = await receiver.api("POST", "/diagnoses/replay", json=body)
    for item in again["items"]:
        assert (item["changes"], item["before"]) == ([], item["after"])
    assert again["items"]
    assert await run_verb(receiver, tmp_path, "replay", "--products", str(file)) == 0
    assert "of 1 tickets made again; nothing would change" in capsys.readouterr().out


async def test_another_file_shows_what_would_change(receiver, file, tmp_path, capsys):
    """Another prior: another cause, with both probabilities; the store stays as it is."""
    changed = tmp_path / "washer.toml"
    changed.write_text(other_prior(file))
    assert await run_verb(receiver, tmp_path, "replay", "--products", str(changed)) == 0
    text = capsys.readouterr().out
    assert "filter_clogged" in text
    assert "-> standpipe_blocked" in text
    assert "another cause" in text
    words = ("replay", "--products", str(tmp_path), "--json", "--since", "2026-01-01")
    assert await run_verb(receiver, tmp_path, *words) == 0
    item = json.loads(capsys.readouterr().out.splitlines()[0])
    assert item["ticket"] == receiver.ticket
    assert {"cause", "probability"} <= set(item["changes"])
    shown = await diagnosed(receiver, receiver.ticket)
    assert shown[0]["causes"][0]["cause"] == "filter_clogged"
    late = ("replay", "--products", str(changed), "--json", "--since", "2130-01-01")
    assert await run_verb(receiver, tmp_path, *late) == 0
    assert capsys.readouterr().out == ""


async def test_a_wrong_file_is_refused_with_its_lines(receiver, file, tmp_path, capsys):
    """By the receiver as by the terminal: which key, and what to write."""
    bad = file.read_text().replace("filter_clogged = 0.75", "filter_cloged = 0.75", 1)
    problem = await receiver.api("POST", "/diagnoses/replay", 422, json={"product_file": bad})
    assert problem["errors"][0]["field"] == "product_file"
    assert "did you mean filter_clogged?" in problem["errors"][0]["fix"]
    (tmp_path / "bad.toml").write_text(bad)
    words = ("replay", "--products", str(tmp_path / "bad.toml"))
    assert await run_verb(receiver, tmp_path, *words) == 3
    assert "bad.toml:" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert await run_verb(receiver, tmp_path, "replay", "--products", str(tmp_path / "empty")) == 2


async def test_a_replay_comes_in_pages(receiver, washer, file):
    """However many diagnoses there are, none is left out and none comes twice."""
    number = int(receiver.ticket.rpartition("-")[2])
    record = Record(Facts(receiver.device, number, "washer", 520194, 7, NOW), Situation(NOW))

    def fill(connection):
        for n in range(100, 305):
            write_diagnosis(connection, washer, record, n)

    await receiver.database.write(fill)
    body, seen = {"product_file": file.read_text()}, []
    while True:
        page = await receiver.api("POST", "/diagnoses/replay", json=body)
        seen += [item["n"] for item in page["items"]]
        if page["next"] is None:
            break
        body["cursor"] = page["next"]
    assert [n for n in seen if n >= 100] == list(range(100, 305))
    assert len(set(seen)) == len(seen)


async def test_priors_show_file_learnt_and_now(receiver, washer, tmp_path, capsys):
    """A technician's outcome moves a prior; the outcome is listed with old and new."""
    fault = washer.find_fault(520194, 7)
    number = int(receiver.ticket.rpartition("-")[2])
    place = (receiver.device, number, "1/closed")
    seen = {"pump_idles": True}
    outcome = technician_found(
        place, "washer", fault, "impeller_loose", "technician:T7", NOW, seen
    )
    await receiver.database.write(priors.teach, outcome)
    found = await receiver.api("GET", "/products/washer/priors")
    shown = next(item for item in found["items"] if item["code"] == "E21")
    cause = next(cause for cause in shown["causes"] if cause["cause"] == "impeller_loose")
    assert (cause["file"], cause["learnt"]) == (0.15, 1.0)
    assert cause["now"] == round(2.5 / 11, 4)
    (evidence,) = shown["evidence"]
    assert (evidence["cause"], evidence["evidence"]) == ("impeller_loose", "pump_idles")
    was = 0.75 * shown["evidence_strength"]
    assert evidence["now"] == round((was + 1) / (shown["evidence_strength"] + 1), 4)
    listed = await receiver.api("GET", "/products/washer/faults/E21/outcomes")
    (item,) = listed["items"]
    assert (item["ticket"], item["how"]) == (receiver.ticket, "technician")
    assert item["change"]["impeller_loose"] == {"old": 0.15, "new": 0.2273}
    assert await run_verb(receiver, tmp_path, "priors", "washer") == 0
    printed = capsys.readouterr().out
    assert "impeller_loose" in printed
    assert "impeller_loose: pump_idles" in printed
    await receiver.api("GET", "/products/toaster/priors", 404)
    await receiver.api("GET", "/products/washer/faults/E99/outcomes", 404)


def test_the_changed_file_is_a_good_one(file):
    """The control of the tests above: the other file is read, and only its priors differ."""
    assert parse(other_prior(file), "x").name == "washer"
