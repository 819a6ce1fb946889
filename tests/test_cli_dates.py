from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from cli.dates import date, span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(weeks=2)),
        (" 0d ", timedelta(0)),
    ],
)
def test_span(text: str, expected: timedelta) -> None:
    assert span(text) == expected


@pytest.mark.parametrize("text", ["", "d", "30", "-3d", "3 d", "3m", "1.5d", "9999999d", "٣d"])
def test_what_is_no_span_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"no span of time such as 12h, 30d or 2w\.$"):
        span(text)


def test_a_date_begins_at_midnight_of_this_place() -> None:
    assert date("2024-05-31") == datetime(2024, 5, 31)
    assert date(" 2024-05-31T12:30 ") == datetime(2024, 5, 31, 12, 30)


def test_a_date_may_name_its_offset() -> None:
    assert date("2024-05-31T12:30Z") == datetime(2024, 5, 31, 12, 30, tzinfo=UTC)


def test_a_span_counts_back_from_now() -> None:
    before = datetime.now()
    assert before - timedelta(days=2) <= date("2d") <= datetime.now() - timedelta(days=2)


@given(st.text(max_size=12))
def test_anything_typed_is_a_date_or_a_clear_refusal(text: str) -> None:
    try:
        assert isinstance(date(text), datetime)
    except typer.BadParameter as error:
        assert "no date such as 2024-05-31" in str(error)  # noqa: PT017


def test_a_span_before_the_beginning_of_time_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="no date"):
        date("999999w")
