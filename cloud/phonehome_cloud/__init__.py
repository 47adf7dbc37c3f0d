"""The receiver: durable intake of signed reports, and the tickets that come of them."""
