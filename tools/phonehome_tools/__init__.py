"""The `phonehome` command: one verb, one module."""
