"""The truth about every fault: what the world file says, and the product file where it is silent.

Plain floats: these are asked some ten thousand times in a simulated year.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from phonehome_cloud.core.deciding.playbook import AS_GOOD
from phonehome_product import Action, Fault, Product

from .world import Remedy, Sign, Trouble, World

# Errors and worse keep an appliance from its work, warnings and notices do not (RFC 5424 codes).
_ERROR = 3
PriceOf = Callable[[Iterable[str]], float]
MENDS_AT_HOME = ("self_help", "remote_fix")


@dataclass(frozen=True, slots=True)
class Truth:
    """One fault as it really is.

    `causes` are P(cause), `signs` P(evidence | cause) and `missing` P(evidence cannot be told),
    `success` P(the action mends it for good | cause), `heals` P(it goes away by itself | cause)
    after `heals_days` on average. What lies `elsewhere` is no matter of the appliance: who finds
    it tells the owner whom to ask, and that is the end of it.
    """

    fault: Fault
    share: float
    out_of_use: float
    causes: Mapping[str, float]
    signs: Mapping[str, Mapping[str, float]]
    missing: Mapping[str, float]
    success: Mapping[str, Mapping[str, float]]
    heals: Mapping[str, float]
    heals_days: float
    elsewhere: frozenset[str] = frozenset()

    def best_action(
        self, cause: str, kinds: tuple[str, ...], price_of: PriceOf = lambda _: 0.0
    ) -> Action | None:
        """What somebody who knows the cause does: of what really helps most often, the cheapest.

        None when no action of these kinds helps against it.
        """
        able = [action for action in self.fault.actions if action.kind in kinds]
        most = max((self.success[action.id][cause] for action in able), default=0.0)
        good = [a for a in able if self.success[a.id][cause] >= most - AS_GOOD]
        if not most:
            return None
        return min(good, key=lambda a: price_of(a.fitted_given(cause)))

    def believed_action(self, kinds: tuple[str, ...], least: float = 0.0) -> Action | None:
        """The action of these kinds that helps most often by the product's priors alone; None
        when that is in less than `least` of the cases.
        """
        able = [action for action in self.fault.actions if action.kind in kinds]

        def helps(action: Action) -> float:
            causes = self.fault.causes
            return sum(float(c.prior) * float(action.success_given(c.id)) for c in causes)

        best = max(able, key=helps, default=None)
        return best if best is not None and helps(best) >= least else None


def truths(world: World, product: Product) -> dict[str, Truth]:
    """The truth about every fault of the product that ever happens, by its code.

    A world that names faults has those only; one that names none has all, evenly.
    """
    told = {trouble.code: trouble for trouble in world.troubles}
    found = {}
    for fault in product.faults:
        trouble = told.get(fault.code)
        if trouble is None and told and not _is_of_batch(fault.code, world):
            continue
        silent = Trouble(code=fault.code) if not told else Trouble(code=fault.code, share=0)  # type: ignore[arg-type]
        found[fault.code] = _truth(fault, trouble or silent)
    return found


def _is_of_batch(code: str, world: World) -> bool:
    return any(batch.code == code for batch in world.batches)


def _truth(fault: Fault, trouble: Trouble) -> Truth:
    signs = {sign.id: sign for sign in trouble.evidence}
    remedies = {remedy.id: remedy for remedy in trouble.action}
    causes = {c.id: float(trouble.cause.get(c.id, 0)) for c in fault.causes}
    if not trouble.cause:
        causes = {c.id: float(c.prior) for c in fault.causes}
    total = sum(causes.values())
    usual = 1.0 if fault.severity_code <= _ERROR else 0.0
    return Truth(
        fault=fault,
        share=float(trouble.share),
        out_of_use=usual if trouble.out_of_use is None else float(trouble.out_of_use),
        causes={cause: p / total for cause, p in causes.items() if p > 0},
        signs={e.id: dict(_likelihoods(fault, e.id, signs.get(e.id))) for e in fault.evidence},
        missing={e.id: _missing(signs.get(e.id)) for e in fault.evidence},
        success={a.id: dict(_successes(fault, a.id, remedies.get(a.id))) for a in fault.actions},
        heals={cause: float(p) for cause, p in trouble.heals.items()},
        heals_days=float(trouble.heals_days),
        elsewhere=frozenset(trouble.elsewhere),
    )


def _missing(sign: Sign | None) -> float:
    return 0.0 if sign is None else float(sign.missing)


def _likelihoods(fault: Fault, name: str, sign: Sign | None) -> Iterator[tuple[str, float]]:
    believed = next(evidence for evidence in fault.evidence if evidence.id == name)
    for cause in fault.causes:
        if sign is not None and cause.id in sign.given:
            yield cause.id, float(sign.given[cause.id])
        elif sign is not None and sign.otherwise is not None:
            yield cause.id, float(sign.otherwise)
        else:
            yield cause.id, float(believed.likelihood(cause.id))


def _successes(fault: Fault, name: str, remedy: Remedy | None) -> Iterator[tuple[str, float]]:
    believed = next(action for action in fault.actions if action.id == name)
    for cause in fault.causes:
        if remedy is not None and cause.id in remedy.success:
            yield cause.id, float(remedy.success[cause.id])
        elif remedy is not None and remedy.otherwise is not None:
            yield cause.id, float(remedy.otherwise)
        else:
            yield cause.id, float(believed.success_given(cause.id))
