"""Dates and spans of time as people type them."""

import re
from datetime import datetime, timedelta

import typer

UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta:
    """A span of time such as 12h, 30d or 2w."""
    match = re.fullmatch(r"([0-9]{1,6})([hdw])", text.strip())
    if not match:
        raise typer.BadParameter(f"{text!r} is no span of time such as 12h, 30d or 2w.")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def date(text: str) -> datetime:
    """A date, a date with a time, or a span of time before now; in local time unless it says."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    try:
        return datetime.now() - span(text)
    except (typer.BadParameter, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no date such as 2024-05-31, and no span such as 12h, 30d or 2w."
        ) from None
