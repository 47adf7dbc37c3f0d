"""What somebody wishes a device to have, by name, and what it is sent, by key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from phonehome_product import Product, TuneError, tune
from phonehome_wire.pushed import MAX_KEYS, SECRETS, SETTINGS, TEXTS

SHOWN: Final = "(set)"  # instead of a secret; too short to be one
NAMES: Final = tuple(name for name, _, _ in (*SETTINGS.values(), *TEXTS.values()))
_NUMBERS = {name: (key, least, greatest) for key, (name, least, greatest) in SETTINGS.items()}
_TEXTS = {name: (key, least, greatest) for key, (name, least, greatest) in TEXTS.items()}
_SCHEMES = ("https", "mqtts", "http", "mqtt")
_SERVER_FIX = "https://HOST:PORT or mqtts://HOST:PORT"

Problem = tuple[str, object, str]  # name, value, what to write instead


class WishError(ValueError):
    """Values that cannot be set; `problems` names each."""

    def __init__(self, problems: list[Problem]) -> None:
        """Take at least one problem."""
        self.problems = problems
        super().__init__("; ".join(f"{name}: {fix}" for name, _, fix in problems))


@dataclass(frozen=True, slots=True)
class Wish:
    """Values as they are shown and as they are sent, {key: [name, value]}; None for a secret.

    `secrets` are those, {key: text}.
    """

    shown: dict[str, Any]
    encoded: dict[str, Any]
    secrets: dict[int, str] = field(repr=False)


def read_wish(values: Mapping[str, Any], product: Product | None) -> Wish:
    """The wish of these values for a device of this product; WishError names every wrong one."""
    if len(values) > MAX_KEYS:
        raise WishError([("", len(values), f"at most {MAX_KEYS}")])
    problems: list[Problem] = []
    wish = Wish({}, {}, {})
    own = {name: value for name, value in values.items() if "." in name}
    for name, value in values.items():
        if name not in own:
            _read_one(wish, name, value, problems)
    if "wifi_password" in values and "wifi_ssid" not in values:
        problems.append(("wifi_ssid", None, "the name of the network of the password"))
    _read_product(wish, own, product, problems)
    if problems:
        raise WishError(problems)
    return wish


def _read_one(wish: Wish, name: str, value: Any, problems: list[Problem]) -> None:
    if name in _TEXTS:
        _read_text(wish, name, value, problems)
    elif name not in _NUMBERS:
        problems.append((name, value, f"one of {', '.join(NAMES)}, or as in E21.low"))
    else:
        key, least, greatest = _NUMBERS[name]
        if not isinstance(value, int) or not least <= value <= greatest:
            problems.append((name, value, f"a whole number from {least} to {greatest}"))
        else:
            wish.encoded[str(key)] = [name, value]
            wish.shown[name] = value


def _read_text(wish: Wish, name: str, value: Any, problems: list[Problem]) -> None:
    key, least, greatest = _TEXTS[name]
    is_secret = key in SECRETS
    if not isinstance(value, str) or not least <= len(value.encode()) <= greatest:
        shown = "(not shown)" if is_secret else value
        problems.append((name, shown, f"a text of {least} to {greatest} bytes"))
    elif name == "server" and not _is_address(value):
        problems.append((name, value, _SERVER_FIX))
    else:
        if is_secret:
            wish.secrets[key] = value
        wish.encoded[str(key)] = [name, None if is_secret else value]
        wish.shown[name] = SHOWN if is_secret else value


def _is_address(url: str) -> bool:
    """Whether a device can read it; a name or password in it would be nobody's secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = "@" not in parts.netloc and not parts.query and not parts.fragment
    return parts.scheme in _SCHEMES and bool(parts.hostname) and port != 0 and is_plain


def _read_product(
    wish: Wish, values: Mapping[str, Any], product: Product | None, problems: list[Problem]
) -> None:
    texts = [name for name, value in values.items() if isinstance(value, str)]
    problems += [(name, values[name], "a number") for name in texts]
    numbers = {name: value for name, value in values.items() if name not in texts}
    if numbers and product is None:
        fix = "leave it out: no product file of the receiver describes the device"
        problems += [(name, value, fix) for name, value in numbers.items()]
    elif product is not None and numbers:
        try:
            tuned = tune(product, numbers)
        except TuneError as error:
            problems += error.problems
            return
        wish.encoded.update({str(t.key): [t.name, t.value] for t in tuned})
        wish.shown.update(numbers)
