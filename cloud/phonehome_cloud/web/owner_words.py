"""The words of the owner's pages, in the languages that they speak."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FOLDER = Path(__file__).parents[1] / "pages" / "words"
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: tomllib.loads((_FOLDER / f"owner_{language}.toml").read_text("utf-8"))
    for language in ("en", "de")
}
