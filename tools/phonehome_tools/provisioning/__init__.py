"""Making a board a device: its key, its settings, its registration, its label.

order        what is to be on all boards of a tray; secrets from a prompt, a file, the environment
writing      what is written to a board, and in which order, so that it can be repeated
registering  the receiver's word that it knows the device
label        the label with the code for its owner
"""
