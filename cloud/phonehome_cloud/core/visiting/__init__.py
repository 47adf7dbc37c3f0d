"""Visits: when a technician can come and somebody is home, and what calendars are told.

Pure: what is known goes in, what to do comes out. The store keeps it, the rim sends it.
"""
