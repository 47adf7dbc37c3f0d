"""Diagnoses, replays and priors as lines of text: from the JSON of the desk API, without I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

_BAR: Final = 20  # characters of a probability of 1
_WORDS: Final = {
    "cause": "another cause",
    "sure": "sure or not",
    "lane": "another lane",
    "action": "another action",
    "probability": "other probabilities",
}


def when(at_ms: int) -> str:
    """A time of the receiver, UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def tell_diagnosis(made: Mapping[str, Any]) -> Iterator[str]:
    """One diagnosis: causes with what moved them, what is not known, what was decided and why."""
    sure = "sure" if made["is_sure"] else f"not sure: {made['why_unsure']}"
    yield f"diagnosis {made['n']} of {when(made['at'])}: {sure}"
    for cause in made["causes"]:
        yield from _tell_cause(cause)
    for title in made["missing"]:
        yield f"  could not be told: {title}"
    consent = ", with consent" if made["needs_consent"] else ""
    yield f"  decided: {action_of(made)} (lane {made['lane']}, paid by {made['payer']}{consent})"
    for why in made["why"]:
        yield f"    because {why}"
    for option in made["options"]:
        yield f"    {_tell_option(option)}"


def _tell_cause(cause: Mapping[str, Any]) -> Iterator[str]:
    bar = "#" * round(cause["probability"] * _BAR)
    yield f"  {cause['probability']:6.3f} {bar:<{_BAR}} {cause['title']} [{cause['cause']}]"
    yield f"         {cause['prior']:.3f} before the evidence"
    for moved in cause["moved"]:
        there = "" if moved["is_there"] else "not: "
        yield f"         odds x {10 ** moved['log10']:<9.3g} {there}{moved['title']}"


def _tell_option(option: Mapping[str, Any]) -> str:
    ruled = f"  ruled out: {option['ruled_out_by']}" if option.get("ruled_out_by") else ""
    cost = f"{option['expected_cost']:8.2f} expected, helps with P = {option['p_success']:.2f}"
    return f"{action_of(option):<28} {cost}{ruled}"


def action_of(row: Mapping[str, Any]) -> str:
    """An action by its kind, and its id in the product file if it has one."""
    return f"{row['kind']} {row['action_id']}" if row.get("action_id") else str(row["kind"])


def tell_replayed(item: Mapping[str, Any]) -> tuple[str, ...]:
    """One diagnosis made again, as a row: ticket, fault, cause, action, what changes."""
    before, after = item["before"], item["after"]
    changes = ", ".join(_WORDS[name] for name in item["changes"]) or "nothing"
    return (
        f"{item['ticket']}/{item['n']}",
        item["code"] or "-",
        _arrow(_cause_of(before), _cause_of(after)),
        _arrow(action_of(before), action_of(after)),
        changes,
    )


def _cause_of(seen: Mapping[str, Any]) -> str:
    if not seen["causes"]:
        return "-"
    cause, probability = seen["causes"][0]
    return f"{cause} {probability:.2f}{'' if seen['is_sure'] else ' ?'}"


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} -> {after}"


def sum_up(product: str, items: Iterable[Mapping[str, Any]]) -> str:
    """What a replay would change, in one line."""
    rows = list(items)
    counts = Counter(name for item in rows for name in item["changes"])
    tickets = len({item["ticket"] for item in rows})
    head = f"{product}: {len(rows)} diagnoses of {tickets} tickets made again"
    told = [f"{counts[name]} with {words}" for name, words in _WORDS.items() if counts[name]]
    return f"{head}; {', '.join(told) or 'nothing would change'}"


def tell_priors(found: Mapping[str, Any]) -> Iterator[str]:
    """Priors and likelihoods of a product: by the file, what was learnt, and now."""
    yield f"{found['product']} version {found['version']}"
    for fault in found["items"]:
        strength = f"the file counts as {fault['strength']:g} outcomes"
        yield f"{fault['code']} {fault['title']} ({strength})"
        for cause in fault["causes"]:
            told = (
                f"file {cause['file']:.3f}  learnt {cause['learnt']:7.2f}  now {cause['now']:.3f}"
            )
            yield f"  {cause['cause']:<24} {told}"
        if fault["evidence"]:
            strength = f"the file counts as {fault['evidence_strength']:g} outcomes of a cause"
            yield f"  evidence seen with causes ({strength})"
        for seen in fault["evidence"]:
            among = seen["there"] + seen["absent"]
            told = f"file {seen['file']:.3f}  seen {seen['there']:.4g} of {among:.4g}"
            name = f"{seen['cause']}: {seen['evidence']}"
            yield f"    {name:<40} {told}  now {seen['now']:.3f}"
