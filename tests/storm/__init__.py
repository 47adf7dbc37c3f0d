"""Storms: a network that torments one agent for days of its time, and a herd of agents."""
