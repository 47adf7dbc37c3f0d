"""A wish for a call, on any page of an owner: its form, and what is wrong with what was sent."""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from phonehome_cloud.core.people.owners import Owner
from phonehome_cloud.errors import ConflictError
from phonehome_cloud.store.acting.callbacks import OutOfHoursError

from .forms import read_wall
from .owner_words import WORDS
from .visit_words import moment

_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()/.-]{4,22}", re.ASCII)


class CallError(ConflictError):
    """A wish for a call that is none; `word` says why, `next_at` when the desk is open."""

    def __init__(self, word: str, next_at: int | None = None) -> None:
        super().__init__(word)
        self.word = word
        self.next_at = next_at


def read_call(form: Mapping[str, str], zone: str) -> tuple[str, int]:
    """(telephone number, unix ms) of the form, whose time is that of the owner's clock."""
    phone = form.get("phone", "").strip()
    if not _PHONE.fullmatch(phone):
        raise CallError("call_bad_phone")
    try:
        call_at = read_wall(form.get("at", ""), ZoneInfo(zone))
    except ValueError:
        call_at = None
    if call_at is None:
        raise CallError("call_bad_time")
    return phone, call_at


def refuse_call(error: ConflictError) -> CallError:
    """Why the store did not take a wish, in the words of the form."""
    if isinstance(error, OutOfHoursError):
        return CallError("call_out_of_hours", error.next_at)
    return CallError("call_bad_time")


def show_call(
    owner: Owner, language: str, error: CallError | None, form: Mapping[str, str] | None
) -> dict[str, Any]:
    """What `owner_call.html` shows besides the desk's number and the call that is waited for."""
    problem = WORDS[language][error.word] if error else ""
    if error is not None and error.next_at is not None:
        problem = f"{problem} {moment(error.next_at, owner.zone, language)}."
    return {
        "call_problem": problem,
        "call_at": (form or {}).get("at", ""),
        "phone": (form or {}).get("phone", owner.phone or ""),
        "local": functools.partial(moment, zone=owner.zone, language=language),
    }
