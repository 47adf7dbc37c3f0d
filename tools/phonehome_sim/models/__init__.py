"""Appliances as physics: what the sensors of a product would say, and what breaks in it."""
