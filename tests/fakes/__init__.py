"""Working replacements for what tests cannot have: a receiver at hand, flash that stops."""
