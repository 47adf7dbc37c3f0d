"""Diagnoses for people at a terminal."""
