"""The HTTP edge: bytes or JSON in, a call, a response out."""
