"""What stops a link."""

from phonehome_tools.fleet.errors import SetupError


class LinkageError(SetupError):
    """A source does something that the linker cannot follow; names file, line and what to do."""
