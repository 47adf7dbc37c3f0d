"""The agent as packages for mip: a base, optional parts, and an index to install them from."""
