"""Midtrans' spelling of amounts and times, and ours."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.money import Money
from ledger.providers.midtrans import wire
from ledger.providers.midtrans.wire import Unusable

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the machine may be busy


@pytest.mark.parametrize(
    ("text", "minor"), [("99000.00", 99_000), ("1.00", 1), ("0.00", 0), ("99000", 99_000)]
)
def test_whole_rupiah_are_read_exactly(text: str, minor: int):
    assert wire.money(text, "IDR") == Money.rupiah(minor)


@PATIENT
@given(st.integers(min_value=0, max_value=10**15 - 1))
def test_every_amount_comes_back_as_it_was_written(minor: int):
    assert wire.money(f"{minor}.00", None) == Money.rupiah(minor)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "99000.50",
        "99,000.00",
        "-1.00",
        "1e3",
        " 1.00",
        "1.00\n",
        "\u0661.00",
        "9" * 16 + ".00",
        "NaN",
    ],
)
def test_anything_else_is_no_amount(text: str | None):
    with pytest.raises(Unusable) as unusable:
        wire.money(text, "IDR")
    assert unusable.value.cause == "amount_malformed"


def test_another_currency_is_not_read_as_rupiah():
    with pytest.raises(Unusable) as unusable:
        wire.money("10.00", "USD")
    assert unusable.value.cause == "currency_unknown"


MOMENTS = (
    ("2020-01-09 18:27:19", datetime(2020, 1, 9, 11, 27, 19, tzinfo=UTC)),
    ("2026-01-01 00:30:00", datetime(2025, 12, 31, 17, 30, tzinfo=UTC)),
    ("2025-06-03T13:09:39.776Z", datetime(2025, 6, 3, 13, 9, 39, 776000, tzinfo=UTC)),
    ("2026-01-16 10:00:00+07:00", datetime(2026, 1, 16, 3, 0, tzinfo=UTC)),
)


@pytest.mark.parametrize(("text", "utc"), MOMENTS)
def test_times_without_an_offset_are_jakarta_time(text: str, utc: datetime):
    read = wire.moment(text)

    assert read == utc
    assert read.tzinfo is UTC


@pytest.mark.parametrize("text", [None, "", "soon", "0001-01-01 00:00:00", "2026-13-01 00:00:00"])
def test_no_time_is_better_than_a_wrong_one(text: str | None):
    assert wire.moment(text) is None


def test_new_fields_are_passed_over():
    assert wire.answer(b'{"status_code": "200", "brand_new": {"a": [1]}}').status_code == "200"


BROKEN = (
    b"",
    b"<html></html>",
    b'{"status_code": "20',
    b'{"status_code": 200}',
    b"[]",
    b"null",
    b"\xff",
    b"[" * 100_000,
)


@pytest.mark.parametrize("raw", BROKEN)
def test_wrong_types_and_half_answers_are_unusable(raw: bytes):
    with pytest.raises(Unusable) as unusable:
        wire.answer(raw)
    assert unusable.value.cause == "answer_malformed"
