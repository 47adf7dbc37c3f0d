"""A board at the other end of a cable: which port, its prompt, its files, its lines.

mpremote is the library: what every MicroPython developer's console speaks, and what its ports are
called. It knows pseudo-terminals, USB on three systems, and terminal servers.
"""
