"""What is done about a ticket: steps, remote fixes, parts, leads, people. Decided here, pure."""
