"""What can go wrong with a fleet, under one root.

FleetError
├── SetupError      something this machine lacks or an option that does not fit (exit code 2)
├── DeskError       the receiver's desk API refused or is not there (exit code 1)
└── ChildError      a process that we started ended or did not become ready (exit code 1)
"""


class FleetError(Exception):
    """Root of everything that a verb of this room reports in one line."""


class SetupError(FleetError):
    """An option, a file or an installed part does not fit; the text names it and the fix."""


class DeskError(FleetError):
    """The desk API answered with a refusal, or did not answer; `status` is 0 then."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class ChildError(FleetError):
    """A started process ended early or never said that it is ready."""
