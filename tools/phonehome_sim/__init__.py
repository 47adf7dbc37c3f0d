"""What unix MicroPython runs to play a board: the agent is the real one, the world is not."""
