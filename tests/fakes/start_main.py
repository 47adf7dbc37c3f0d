"""What a test's board runs when it has an app.py: start_main.py SETTINGS.json.

Beside the agent's own settings: `app` is the folder of app.py.
"""

import json
import sys

import phonehome
from tests.fakes.dog import DogBoard


def main():
    """One line of a developer, and what a test needs."""
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    sys.path.insert(0, settings.pop("app"))
    for name in ("flow", "dog"):
        settings.pop(name, None)
    phonehome.start("app", settings, board=DogBoard(settings.pop("reset", 0)))


main()
