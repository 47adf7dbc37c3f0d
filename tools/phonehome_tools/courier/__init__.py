"""The laptop as courier: reports out of a serial line, acks back; trusted with nothing."""
