"""A year of service in a world whose truth the receiver's own rules do not see."""
