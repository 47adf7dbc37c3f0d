"""What can go wrong in the receiver on purpose.

CloudError
    ConfigError                 settings that must stop the start; lists every problem at once
    StoreError
        StoreRefusedError       this database must not be used: damaged, too new, or other keys
        StoreUnavailableError   nothing was stored and it may work later: disk full, locked, gone
    OverloadedError             the queue in front of the database is full
    NotFoundError               no such device, ticket, token
        GoneError               there was one, and it is over: a link that expired or was used
    ConflictError               the thing is there, but not in a state that allows this
        TransitionError         a state of a ticket or an action that cannot follow its present one
    StartError                  an action that cannot be started after all (core.caring)

The edge maps these to HTTP in one table; wire errors (phonehome_wire.errors) never leave intake.
"""

from collections.abc import Sequence


class CloudError(Exception):
    """Root of everything the receiver raises on purpose."""


class ConfigError(CloudError):
    """Settings that must stop the start; `problems` has one line each: key, value and fix."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StoreError(CloudError):
    """The database said no."""


class StoreRefusedError(StoreError):
    """A database that must not be written to; the message says why and what to do."""


class StoreUnavailableError(StoreError):
    """Nothing of the transaction was stored; try again after `retry_after_s`."""

    def __init__(self, why: str, retry_after_s: int = 5) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class OverloadedError(CloudError):
    """More work is waiting than memory should hold; try again after `retry_after_s`."""

    def __init__(self, what: str, retry_after_s: int = 5) -> None:
        super().__init__(what)
        self.retry_after_s = retry_after_s


class NotFoundError(CloudError):
    """Nothing has this id."""


class GoneError(NotFoundError):
    """It was there and is over: a link that expired, or was used."""


class ConflictError(CloudError):
    """It exists, but its state does not allow what was asked."""


class TransitionError(ConflictError):
    """A ticket or an action may not go from its state to the one that was asked for."""
