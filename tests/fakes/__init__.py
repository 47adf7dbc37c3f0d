"""Working replacements for what tests cannot have: a receiver in a test's process, flash that stops."""
