"""What is decided about one ticket after the other, and what has to be written for all of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Connection

from phonehome_cloud.core.acting.pricing import TERMS, agreed_payer
from phonehome_cloud.core.caring import (
    AGREED,
    CANCELLED,
    FAILED,
    HELPED,
    RUNNING,
    WAITING_CONSENT,
    ActionRow,
    Case,
    StartError,
)
from phonehome_cloud.core.considering import (
    RULE_DECIDED,
    RULE_DIAGNOSED,
    RULE_ENDED,
    RULE_HELPED,
    RULE_IN_TIME,
    RULE_INCIDENT,
    RULE_INCIDENT_RESOLVED,
    RULE_UNDER_WAY,
    Finding,
    Knowledge,
    has_helped,
    is_news,
    say_decision,
    say_diagnosis,
    weigh,
)
from phonehome_cloud.core.deciding.incidents import CONFIRMED, DISMISSED
from phonehome_cloud.core.deciding.incidents import RESOLVED as INCIDENT_RESOLVED
from phonehome_cloud.core.deciding.situation import PART, PERSON, VISIT, WAIT, Availability
from phonehome_cloud.core.diagnosing.facts import Facts
from phonehome_cloud.core.diagnosing.likelihoods import Taught
from phonehome_cloud.core.digesting import WHO_RULE, Ticket
from phonehome_cloud.core.replaying import Record
from phonehome_cloud.core.tickets import (
    ACKNOWLEDGED,
    BY_RULE,
    HISTORY_DECIDED,
    HISTORY_DIAGNOSED,
    HISTORY_INCIDENT,
    IN_PROGRESS,
    OPEN,
    RESOLVED,
    is_open,
)

from . import acting, care, notices
from .asking import ask_device
from .facts import Devices, TicketKey
from .gathering import attempt
from .learning import Lesson
from .situations import People, make_situation

# An action that cannot be started is cancelled and another one chosen, so often at most: then the
# ticket is set aside, with the last reason.
_TRIES: Final = 5
# What is due just now and was not taken back is asked again not before this.
_AGAIN_MS: Final = 60_000


@dataclass(slots=True)
class Loaded:
    """Everything that was read for a batch of tickets."""

    now_at: int
    facts: Mapping[TicketKey, Facts]
    actions: Mapping[TicketKey, Sequence[ActionRow]]
    devices: Devices
    known: People
    parts: Mapping[str, Availability]
    taught: Mapping[tuple[str, int, int], Taught]
    incidents: Mapping[str, str]  # their states


@dataclass(slots=True)
class Progress:
    """How far the care of a ticket is after this: the columns of `care` that change."""

    diagnoses: int
    actions: int
    hash: bytes | None
    incident: str | None
    running: int | None = None
    due_at: int | None = None
    told: int = 0


@dataclass(slots=True)
class Written:
    """What a batch has to write."""

    tickets: list[Ticket] = field(default_factory=list)
    findings: list[tuple[Ticket, int, Finding]] = field(default_factory=list)
    started: list[ActionRow] = field(default_factory=list)
    changed: list[ActionRow] = field(default_factory=list)
    progress: dict[TicketKey, Progress] = field(default_factory=dict)
    lessons: list[Lesson] = field(default_factory=list)
    lanes: Counter[str] = field(default_factory=Counter)
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)


def consider(
    connection: Connection,
    knowledge: Knowledge,
    loaded: Loaded,
    written: Written,
    ticket: Ticket,
    progress: Progress,
    join: str | None = None,
) -> None:
    """Consider one ticket, locked; what follows is added to `written`, effects to the outbox. What
    is learnt from it is for the end of the batch, and so is its history.

    `join` is the incident that it has become part of.
    """
    one = _One(connection, knowledge, loaded, written, ticket, progress)
    if join is not None:
        one.join(join)
    one.run()
    written.progress[ticket.device, ticket.number] = progress


class _One:
    """One ticket on its way through a consideration."""

    def __init__(
        self,
        connection: Connection,
        knowledge: Knowledge,
        loaded: Loaded,
        written: Written,
        ticket: Ticket,
        progress: Progress,
    ) -> None:
        self._connection = connection
        self._knowledge = knowledge
        self._loaded = loaded
        self._written = written
        self._ticket = ticket
        self._progress = progress
        self._key = ticket.device, ticket.number
        self._now_at = loaded.now_at
        self._actions = list(loaded.actions.get(self._key, ()))
        self._new: list[ActionRow] = []
        self._answer_at: int | None = None

    @property
    def _running(self) -> ActionRow | None:
        return next((one for one in self._actions if one.is_under_way), None)

    def run(self) -> None:
        """Follow the incident, then the action under way, then decide what comes next."""
        self._follow_incident()
        if is_open(self._ticket.state):
            self._go_on()
        else:
            self._end_all()
        fault = self._knowledge.fault(self._ticket.product, self._ticket.spn, self._ticket.fmi)
        self._written.lessons.append(Lesson(self._ticket, self._actions, fault))
        running = self._running
        self._progress.running = running.n if running else None
        self._progress.due_at = running.due_at if running else self._answer_at

    def _follow_incident(self) -> None:
        """What a person decided about the incident holds for each of its tickets."""
        name = self._progress.incident
        state = self._loaded.incidents.get(name or "")
        if name is None or not is_open(self._ticket.state):
            return
        evidence = {"incident": name, "state": state}
        if state == CONFIRMED and self._ticket.state != IN_PROGRESS:
            self._ticket.move(
                IN_PROGRESS, self._now_at, WHO_RULE, BY_RULE, RULE_INCIDENT, evidence
            )
        elif state == DISMISSED:
            self._progress.incident = None
            self._ticket.note(
                self._now_at, WHO_RULE, HISTORY_INCIDENT, rule=RULE_INCIDENT, evidence=evidence
            )
            if (owner := self._loaded.known.owners.get(self._ticket.device)) is not None:
                notices.release(self._connection, self._ticket, owner)
        elif state == INCIDENT_RESOLVED:
            self._ticket.move(
                RESOLVED, self._now_at, WHO_RULE, BY_RULE, RULE_INCIDENT_RESOLVED, evidence
            )

    def join(self, name: str) -> None:
        """The ticket becomes part of an incident: no van, no part starts any more."""
        self._progress.incident = name
        evidence = {"incident": name}
        self._ticket.note(
            self._now_at, WHO_RULE, HISTORY_INCIDENT, rule=RULE_INCIDENT, evidence=evidence
        )
        notices.hold(self._connection, self._ticket, self._now_at)

    def _end_all(self) -> None:
        """The ticket has ended: an action that ran has helped if the ticket is resolved."""
        running = self._running
        if running is not None:
            ran = running.state == RUNNING and self._ticket.state == RESOLVED
            outcome = HELPED if ran else CANCELLED
            self._end(running, outcome, RULE_ENDED, {"ticket": self._ticket.state})

    def _end(self, row: ActionRow, outcome: str, rule: str, evidence: Mapping[str, Any]) -> None:
        said = {"rule": rule, **evidence}
        care.end(self._connection, self._ticket, row, outcome, WHO_RULE, self._now_at, said)
        self._note_change(row)

    def _note_change(self, row: ActionRow) -> None:
        changed = self._written.changed
        if row not in self._new and not any(row is one for one in changed):
            changed.append(row)

    def _go_on(self) -> None:
        self._hold()
        self._ask_again()
        helped = has_helped(self._ticket, self._actions)
        if helped is not None and self._running is None and self._progress.incident is None:
            evidence = {"action": helped.action_id, "kind": helped.kind, "n": helped.n}
            self._ticket.move(RESOLVED, self._now_at, WHO_RULE, BY_RULE, RULE_HELPED, evidence)
            return
        for _ in range(_TRIES):
            finding = self._find()
            running = self._running
            if running is None and self._asks(finding):
                return
            if running is not None and running.state == AGREED:
                self._begin(running, finding)
            elif running is None and finding.decision.chosen.kind != WAIT:
                self._begin(self._choose(finding), finding)
            else:
                return
            if self._running is not None:
                return
        reason = self._actions[-1].detail.get("reason")
        raise StartError(f"none of {_TRIES} actions could be started; the last one: {reason}")

    def _asks(self, finding: Finding) -> bool:
        """Whether a question to the device is waited for; where it is urgent, nothing is."""
        product, found = finding.product, finding.diagnosis
        fault = product.find_fault(self._ticket.spn, self._ticket.fmi) if product else None
        if product is None or found is None or fault is None or not found.asks:
            return False
        if self._progress.incident is not None or fault.safety or fault.urgent:
            return False
        asks = found.asks
        self._answer_at = ask_device(self._connection, self._ticket, product, asks, self._now_at)
        return self._answer_at is not None

    def _hold(self) -> None:
        """Of an incident's tickets no van and no part starts that the system chose before."""
        running = self._running
        if running is None or self._progress.incident is None or running.who != WHO_RULE:
            return
        if running.kind in (PART, VISIT) and running.state in (WAITING_CONSENT, AGREED):
            evidence = {"incident": self._progress.incident}
            self._end(running, CANCELLED, RULE_INCIDENT, evidence)

    def _ask_again(self) -> None:
        """An action whose time is over has failed, unless its kind gives it more."""
        running = self._running
        if running is None or running.due_at is None or running.due_at > self._now_at:
            return
        ask = acting.DUES.get(running.kind)
        due_at = ask(self._connection, running, self._case(running), self._now_at) if ask else None
        if not running.is_under_way:  # it ended itself
            self._note_change(running)
        elif due_at is not None:
            running.due_at = max(due_at, self._now_at + _AGAIN_MS)
            self._note_change(running)
        elif running.state == RUNNING:
            self._end(running, FAILED, RULE_IN_TIME, {})
        else:
            running.detail["declined"] = True  # silence is no consent, and is not asked for twice
            self._end(running, CANCELLED, RULE_IN_TIME, {})

    def _find(self) -> Finding:
        """Diagnose and decide; written down when it differs from the newest that is."""
        loaded, ticket = self._loaded, self._ticket
        parts = self._knowledge.parts(ticket.product, ticket.spn, ticket.fmi)
        situation = make_situation(
            ticket,
            self._actions,
            self._progress.incident,
            loaded.devices,
            loaded.known,
            {part: loaded.parts[part] for part in parts if part in loaded.parts},
            self._now_at,
        )
        taught = loaded.taught.get((ticket.product or "", ticket.spn, ticket.fmi), Taught())
        finding = weigh(self._knowledge, Record(loaded.facts[self._key], situation, taught))
        under_way = self._running is not None
        if is_news(self._progress.hash, finding.hash, is_under_way=under_way):
            self._progress.hash = finding.hash
            self._written.findings.append((ticket, self._progress.diagnoses, finding))
            self._progress.diagnoses += 1
            self._say(finding)
        return finding

    def _say(self, finding: Finding) -> None:
        if finding.diagnosis is not None:
            evidence = say_diagnosis(finding.diagnosis)
            self._ticket.note(
                self._now_at,
                WHO_RULE,
                HISTORY_DIAGNOSED,
                rule=RULE_DIAGNOSED,
                evidence=evidence,
            )
        decision = finding.decision
        self._ticket.note(
            self._now_at,
            WHO_RULE,
            HISTORY_DECIDED,
            rule=RULE_DECIDED,
            evidence=say_decision(decision),
        )
        self._written.lanes[decision.lane] += 1

    def _choose(self, finding: Finding) -> ActionRow:
        """The action that was decided upon, not begun."""
        decision, chosen = finding.decision, finding.decision.chosen
        row = ActionRow(
            self._ticket.device,
            self._ticket.number,
            self._progress.actions,
            chosen.kind,
            chosen.action_id,
            WAITING_CONSENT if decision.needs_consent else RUNNING,
            WHO_RULE,
            decision.payer,
            self._now_at,
            costs=chosen.parts_of_cost,
        )
        self._progress.actions += 1
        self._new.append(row)
        self._actions.append(row)
        self._written.started.append(row)
        return row

    def _begin(self, row: ActionRow, finding: Finding) -> None:
        """Start an action, or ask for it; one that cannot be started after all is cancelled."""
        before = None if row in self._new else row.state
        if row.state == AGREED:
            row.move(RUNNING, self._now_at)
            row.payer = agreed_payer(row.detail.get(TERMS), finding.decision.payer)
        starts = acting.STARTS if row.state == RUNNING else acting.ASKS
        start = starts.get(row.kind)
        puts_only = starts is acting.ASKS or row.kind in acting.PUTS_ONLY
        try:
            if start is not None:
                with attempt(self._connection, puts_only=puts_only):
                    start(self._connection, row, self._case(row, finding), self._now_at)
        except StartError as error:
            row.detail |= {"declined": True, "reason": str(error)}
            self._end(row, CANCELLED, RULE_UNDER_WAY, {"reason": str(error)})
            return
        care.note(self._ticket, row, before, WHO_RULE, self._now_at)
        self._note_change(row)
        self._written.begun[row.kind, row.state] += 1
        is_idle = self._ticket.state in (OPEN, ACKNOWLEDGED)
        if row.state == RUNNING and row.kind not in (WAIT, PERSON) and is_idle:
            evidence = {"n": row.n, "kind": row.kind, "action": row.action_id}
            self._ticket.move(
                IN_PROGRESS, self._now_at, WHO_RULE, BY_RULE, RULE_UNDER_WAY, evidence
            )

    def _case(self, row: ActionRow, finding: Finding | None = None) -> Case:
        ticket, known = self._ticket, self._loaded.known
        product = self._knowledge.product(ticket.product)
        fault = self._knowledge.fault(ticket.product, ticket.spn, ticket.fmi)
        action = fault.find_action(row.action_id) if fault and row.action_id else None
        case = Case(
            ticket,
            product,
            fault,
            action,
            self._loaded.facts[self._key],
            owner=known.owners.get(ticket.device),
            appliance=known.appliances.get(ticket.device),
        )
        if finding is None:
            return case
        return replace(case, diagnosis=finding.diagnosis, decision=finding.decision)
