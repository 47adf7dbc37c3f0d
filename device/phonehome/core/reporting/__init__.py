"""What is said to the receiver and heard from it; on a board only while that takes place.

Each module works on the Reporter, which keeps what must outlive a report. `core.ondemand.rest`
drops them all, and the wire with them.
"""
