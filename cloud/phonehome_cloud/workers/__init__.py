"""The only long-running loops of the receiver."""
