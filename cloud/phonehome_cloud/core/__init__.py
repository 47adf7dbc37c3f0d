"""What decides: intake, time, fault and ticket rules. No I/O, no clock, no SQL."""
