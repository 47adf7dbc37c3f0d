"""What runs under unix MicroPython to play a board: the agent is the real one, the world is not."""
