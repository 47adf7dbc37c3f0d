"""Pure decisions: no hardware, no clock, no tasks; every time comes in as a parameter."""
