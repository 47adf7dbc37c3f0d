"""How much of a receiver a fleet needs: arithmetic on measured figures, and a simulated day."""
