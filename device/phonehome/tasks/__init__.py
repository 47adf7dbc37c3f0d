"""Loops without logic: they wait, call, and note."""
