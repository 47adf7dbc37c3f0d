"""Write tools/field-card.html, the page that field testers print, from the console's own words.

python tools/setup/field_card.py
"""

import ast
import sys
from pathlib import Path
from typing import Any

# What makes the receiver's pages.
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "device/phonehome/console"
CARD = ROOT / "tools/field-card.html"
TEMPLATE = "field_card.html"
# Whose guard says that some words need the PIN; the card shows it where all do.
GUARDED = "_GUARDED"


def card() -> str:
    """The page as the sources of the console are now."""
    guards = {
        str(ast.literal_eval(name)): _guard(row)
        for name, row in _rows(_value("commands.py", "COMMANDS"))
    }
    words = ast.literal_eval(_value("words.py", "WORDS"))
    aliases = ast.literal_eval(_value("commands.py", "ALIASES"))
    commands = [
        {"name": name, "usage": usage, "purpose": purpose, "is_guarded": guards[name] == GUARDED}
        for name, usage, purpose in words
    ]
    loader = FileSystemLoader(Path(__file__).parent)
    page = Environment(loader=loader, autoescape=True, undefined=StrictUndefined)
    return page.get_template(TEMPLATE).render(commands=commands, aliases=list(aliases))


def main() -> int:
    """Write the file."""
    CARD.write_text(card())
    return 0


def _value(file: str, name: str) -> ast.expr:
    """The value that a module of the console gives a name at its top."""
    for node in ast.parse((CONSOLE / file).read_text()).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=found)], value=value)
                | ast.AnnAssign(target=ast.Name(id=found), value=ast.expr() as value)
            ) if found == name:
                return value
    raise LookupError(f"{file} has no {name}")


def _rows(table: ast.expr) -> list[tuple[Any, ast.expr]]:
    match table:
        case ast.Dict(keys=keys, values=values):
            return list(zip(keys, values, strict=True))
    raise LookupError("the commands are no table")


def _guard(row: ast.expr) -> str:
    """The name of the guard in a row (function, guard)."""
    match row:
        case ast.Tuple(elts=[_, ast.Name(id=guard)]):
            return guard
    raise LookupError(f"line {row.lineno}: want (function, guard)")


if __name__ == "__main__":
    sys.exit(main())
