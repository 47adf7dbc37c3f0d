"""What the service half of a product file must mean together; each check yields its findings."""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from phonehome_wire.names import COMMAND_NAMES, METRIC_NAMES

from .checks import find_repeated, find_unknown_sensor
from .fields import Finding
from .lines import Path
from .model import Fault, Product
from .service import (
    ACTION_WORDS,
    MEASURED,
    MENDING,
    WHAT_WORDS,
    Action,
    Article,
    Ask,
    Evidence,
)
from .values import Gate, said
from .vocabulary import COSTS, USAGES, nearest

# Whose place is another page of the receiver, or that no rule may send by itself.
_NOT_BY_RULE: Final = frozenset({"set_config", "rotate_key", "resend_range"})
Words: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
AGENT_COMMANDS: Final = frozenset(COMMAND_NAMES.values()) - _NOT_BY_RULE
METRICS: Final = MappingProxyType({name: number for number, name in METRIC_NAMES.items()})


def check_service(product: Product) -> Iterator[Finding]:
    """Yield every contradiction in the service half of a file whose fields are each good."""
    yield from _check_lists(product)
    yield from _check_idle(product)
    yield from _check_translations(product)
    for number, article in enumerate(product.articles):
        yield from _check_article(article, ("article", number), product)
    for number, fault in enumerate(product.faults):
        yield from _check_fault(fault, ("fault", number), product)


def _check_lists(product: Product) -> Iterator[Finding]:
    yield from find_repeated(("part",), "number", [part.number for part in product.parts])
    yield from find_repeated(("article",), "id", [article.id for article in product.articles])
    yield from find_repeated(("command",), "name", [c.name for c in product.commands])
    yield from find_repeated(("usage",), "name", [usage.name for usage in product.usages])
    path: Path
    for number, command in enumerate(product.commands):
        if isinstance(command.code, str):
            path = ("command", number, "code")
            what = "no command of the agent that a rule may send"
            yield from _check_known(path, command.code, AGENT_COMMANDS, what)
    for name in product.service.costs if product.service else ():
        path = ("service", "costs", name)
        yield from _check_known(path, name, COSTS, "no cost that can be overridden")
    for number, usage in enumerate(product.usages):
        if usage.name in USAGES:
            what = "counted by the receiver itself"
            yield ("usage", number, "name"), usage.name, what, "give it another name"


def _check_idle(product: Product) -> Iterator[Finding]:
    """The command that asks whether the appliance is idle must be allowed when it is not."""
    idle = product.service.idle if product.service else None
    if idle is None:
        return
    path: Path = ("service", "idle")
    yield from _check_limits(path, idle.min, idle.max)
    command = product.find_command(idle.command)
    if command is None:
        known = {command.name for command in product.commands}
        what = "no [[command]] of this file has this name"
        yield from _check_known((*path, "command"), idle.command, known, what)
    elif command.idle:
        what = "itself allowed to an idle appliance only"
        yield (*path, "command"), idle.command, what, f"set idle = false in {idle.command}"


def _check_translations(product: Product) -> Iterator[Finding]:
    """Words for a text that was changed since would never be read."""
    said = find_texts(product)
    for language, words in product.words.items():
        for text in words:
            if text not in said:
                what = "no title and no advice of this file says that"
                near = nearest(text, said)
                fix = f"did you mean {near!r}?" if near else "write it as it stands, or remove it"
                yield ("words", language, text), text, what, fix


def find_texts(product: Product) -> dict[str, None]:
    """What owners and technicians read of a file outside its articles, in its order: what
    `[words.<language>]` may have words for.
    """
    found: dict[str | None, None] = {product.title: None}
    for fault in product.faults:
        found |= dict.fromkeys((fault.title, fault.advice, *(c.title for c in fault.causes)))
    found |= dict.fromkeys(part.title for part in product.parts)
    return {text: None for text in found if text is not None}


def _check_known(path: Path, name: str, known: Collection[str], what: str) -> Iterator[Finding]:
    if name not in known:
        near = nearest(name, known)
        others = f"use one of {', '.join(sorted(known))}" if known else "there is none yet"
        yield path, name, what, f"did you mean {near}?" if near else others


def _check_article(article: Article, path: Path, product: Product) -> Iterator[Finding]:
    languages = [text.language for text in article.texts]
    yield from find_repeated((*path, "text"), "language", languages)
    first = article.texts[0]
    for number, text in enumerate(article.texts):
        here: Path = (*path, "text", number)
        if len(text.steps) != len(first.steps):
            what = f"{len(text.steps)} steps, but {len(first.steps)} in {first.language}"
            yield (*here, "step"), None, what, "write the same steps in every language"
            continue
        for place, (step, other) in enumerate(zip(text.steps, first.steps, strict=True)):
            at: Path = (*here, "step", place, "proof")
            if step.proof != other.proof:
                what = f"another proof than in {first.language}"
                yield at, None, what, "write the same proof in every language"
            elif step.proof is not None and number == 0:
                yield from _check_limits(at, step.proof.min, step.proof.max)
                yield from _check_sensor((*at, "sensor"), step.proof.sensor, product)


def _check_sensor(path: Path, name: str, product: Product) -> Iterator[Finding]:
    sensors = {sensor.name: sensor for sensor in product.sensors}
    if name not in sensors:
        yield find_unknown_sensor(path, name, sensors)


def _check_limits(path: Path, least: object, most: object) -> Iterator[Finding]:
    if least is None and most is None:
        yield path, None, "a condition without a limit", "add min or max or both"
    elif least is not None and most is not None and least > most:  # type: ignore[operator]
        yield (*path, "min"), least, f"above max = {most}", "exchange min and max, or remove one"


def _check_fault(fault: Fault, path: Path, product: Product) -> Iterator[Finding]:
    yield from find_repeated((*path, "evidence"), "id", [e.id for e in fault.evidence])
    yield from find_repeated((*path, "ask"), "id", [ask.id for ask in fault.asks])
    yield from find_repeated((*path, "action"), "id", [action.id for action in fault.actions])
    if fault.actions and product.service is None:
        what = "actions without a [service] to weigh them"
        yield (*path, "action", 0), None, what, "add a section [service] to the file"
    for number, evidence in enumerate(fault.evidence):
        yield from _check_evidence(evidence, (*path, "evidence", number), fault, product)
    for number, ask in enumerate(fault.asks):
        yield from _check_ask(ask, (*path, "ask", number), fault, product)
    for number, action in enumerate(fault.actions):
        yield from _check_action(action, (*path, "action", number), fault, product)
    yield from _check_cycles(fault, path)


def _check_evidence(
    evidence: Evidence, path: Path, fault: Fault, product: Product
) -> Iterator[Finding]:
    noun = "evidence of kind"
    yield from _check_words(evidence, path, WHAT_WORDS, evidence.what, noun)
    if evidence.what in MEASURED:
        yield from _check_limits(path, evidence.min, evidence.max)
    if evidence.sensor is not None:
        yield from _check_sensor((*path, "sensor"), evidence.sensor, product)
    for number, gate in enumerate(evidence.when):
        yield from _check_gate(gate, (*path, "when", number), product)
    for key, known, what in _names_of(fault, product):
        name = getattr(evidence, key)
        if name is not None:
            yield from _check_known((*path, key), name, known, what)
    yield from _check_given(evidence.given, (*path, "given"), fault)
    if len({evidence.likelihood(cause.id) for cause in fault.causes}) == 1:
        what = "as likely under every cause: it tells nothing"
        yield (*path, "given"), None, what, "give one cause another likelihood, or remove it"
    if evidence.what == "answer" and not any(evidence.id in ask.evidence for ask in fault.asks):
        fix = f'name "{evidence.id}" in the evidence of a [[fault.ask]]'
        yield path, None, "an answer that nothing asks for", fix


def _names_of(fault: Fault, product: Product) -> Iterator[tuple[str, Collection[str], str]]:
    """The words of an evidence that name something, what they may name, what is wrong else."""
    codes = {other.code for other in product.faults} - {fault.code}
    yield "fault", codes, "no other fault of this file has this code"
    yield "metric", METRICS, "no metric of a heartbeat has this name"
    usages = USAGES | {usage.name for usage in product.usages}
    yield "usage", usages, "no usage has this name"
    causes = {cause.id for other in product.faults for cause in other.causes}
    yield "cause", causes, "no cause of this file has this id"
    commands = {command.name for command in product.commands}
    yield "command", commands, "no [[command]] of this file has this name"


def _check_words(
    section: Evidence | Action, path: Path, table: Mapping[str, Words], kind: str, noun: str
) -> Iterator[Finding]:
    """A kind has its own words in `table`: those it needs, those it may have, those it has not."""
    needed, free = table[kind]
    words = {word for group in table.values() for words in group for word in words}
    for word in sorted((said(section).keys() & words) - {*needed, *free}):
        yield (*path, word), getattr(section, word), f"{noun} {kind} does not use it", "remove it"
    for word in needed:
        if not getattr(section, word):
            fix = f'add the line "{word} = ..."'
            yield (*path, word), None, f"{noun} {kind} needs it", fix


def _check_gate(gate: Gate, path: Path, product: Product) -> Iterator[Finding]:
    yield from _check_sensor((*path, "sensor"), gate.sensor, product)
    yield from _check_limits(path, gate.min, gate.max)


def _check_given(given: Mapping[str, object], path: Path, fault: Fault) -> Iterator[Finding]:
    causes = {cause.id for cause in fault.causes}
    for cause in given:
        yield from _check_known((*path, cause), cause, causes, f"no cause of {fault.code}")


def _check_ask(ask: Ask, path: Path, fault: Fault, product: Product) -> Iterator[Finding]:
    commands = {command.name for command in product.commands}
    what = "no [[command]] of this file has this name"
    yield from _check_known((*path, "command"), ask.command, commands, what)
    known = {evidence.id: evidence for evidence in fault.evidence}
    for number, name in enumerate(ask.evidence):
        here: Path = (*path, "evidence", number)
        yield from _check_known(here, name, known, f"no evidence of {fault.code} has this id")
        command = known[name].command if name in known else ask.command
        if command != ask.command:
            what = f"no answer to the command {ask.command}"
            yield here, name, what, 'name evidence with what = "answer" and this command'


def _check_action(action: Action, path: Path, fault: Fault, product: Product) -> Iterator[Finding]:
    noun = "an action of kind"
    yield from _check_words(action, path, ACTION_WORDS, action.kind, noun)
    if action.kind in MENDING and not any(action.success.values()):
        what = "an action that never helps"
        fix = "say how likely it mends the fault under each cause: { cause = 0.9 }"
        yield (*path, "success"), None, what, fix
    skills = product.service.skills if product.service else ()
    lists = (
        ("parts", action.parts, {p.number for p in product.parts}, "no part of this file"),
        ("skills", action.skills, set(skills), "not among the skills of [service]"),
        ("after", action.after, {a.id for a in fault.actions}, f"no action of {fault.code}"),
    )
    for key, names, known, what in lists:
        for number, name in enumerate(names):
            yield from _check_known((*path, key, number), name, known, what)
    articles = {article.id for article in product.articles}
    commands = {command.name for command in product.commands}
    if action.article is not None:
        what = "no [[article]] of this file has this id"
        yield from _check_known((*path, "article"), action.article, articles, what)
    if action.command is not None:
        what = "no [[command]] of this file has this name"
        yield from _check_known((*path, "command"), action.command, commands, what)
        command = product.find_command(action.command)
        if command and command.idle and not (product.service and product.service.idle):
            what = "only for an idle appliance, and none of this product says that it is"
            fix = "add a section [service.idle], or set idle = false in the command"
            yield (*path, "command"), action.command, what, fix
    yield from _check_given(action.success, (*path, "success"), fault)
    yield from _check_given(action.fits, (*path, "fits"), fault)
    for cause, fitted in action.fits.items():
        for name in fitted:
            what = f"not among the parts of {action.id}"
            yield from _check_known((*path, "fits", cause), name, action.parts, what)
    yield from _check_fitting(action, path, product)


def _check_fitting(action: Action, path: Path, product: Product) -> Iterator[Finding]:
    if action.kind != "part":
        return
    for number, name in enumerate(action.parts):
        part = product.find_part(name)
        if part is not None and not part.owner_can_fit:
            what = "a part that an owner cannot fit"
            yield (*path, "parts", number), name, what, "make it a visit, or set owner_can_fit"


def _check_cycles(fault: Fault, path: Path) -> Iterator[Finding]:
    """Actions that wait for each other would wait for ever; each cycle is told once."""
    after = {action.id: action.after for action in fault.actions}
    done: set[str] = set()
    for number, action in enumerate(fault.actions):
        trail = _find_cycle(action.id, after, [], done)
        if trail:
            what = f"waits for itself: {' after '.join(trail)}"
            yield (*path, "action", number, "after"), None, what, "remove one of them"
            done |= set(trail)


def _find_cycle(
    name: str, after: Mapping[str, Collection[str]], trail: list[str], done: set[str]
) -> list[str]:
    """The ids of the first cycle that is reached from `name`, the first again at the end."""
    if name in trail:
        return [*trail[trail.index(name) :], name]
    if name in done:
        return []
    for other in after.get(name, ()):
        found = _find_cycle(other, after, [*trail, name], done)
        if found:
            return found
    done.add(name)
    return []
