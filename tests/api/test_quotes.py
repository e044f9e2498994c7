"""Quote ids: signed, good for one change of one subscription, and for a quarter of an hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pagination import Cursors
from api.quotes import GOOD_FOR, Quote, QuoteExpired, QuoteInvalid, Quotes, fingerprint

KEY = b"k" * 32
QUOTES = Quotes(KEY)
WHEN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
QUOTE = Quote(7, WHEN, fingerprint({"planId": "pro"}), fingerprint(("pro", 2)))
WRITTEN = QUOTES.write("sub_1", QUOTE)


def test_a_quote_says_what_it_was_given_for():
    assert QUOTES.read("sub_1", WRITTEN, WHEN) == QUOTE


def test_a_quote_of_another_subscription_or_key_is_refused():
    with pytest.raises(QuoteInvalid):
        QUOTES.read("sub_2", WRITTEN, WHEN)
    with pytest.raises(QuoteInvalid):
        Quotes(b"j" * 32).read("sub_1", WRITTEN, WHEN)


def test_a_cursor_is_no_quote_even_under_the_same_key():
    with pytest.raises(QuoteInvalid):
        QUOTES.read("sub_1", Cursors(KEY).write("sub_1", QUOTE), WHEN)


def test_a_quote_is_good_for_a_quarter_of_an_hour_and_not_a_moment_longer():
    assert timedelta(minutes=15) == GOOD_FOR
    QUOTES.read("sub_1", WRITTEN, QUOTE.expires_at - timedelta(microseconds=1))

    with pytest.raises(QuoteExpired):
        QUOTES.read("sub_1", WRITTEN, QUOTE.expires_at)


@given(st.text(max_size=80))
def test_a_made_up_quote_is_refused(text: str):
    with pytest.raises(QuoteInvalid):
        QUOTES.read("sub_1", f"quote_{text}", WHEN)


def test_a_quote_without_its_first_word_is_refused():
    with pytest.raises(QuoteInvalid):
        QUOTES.read("sub_1", WRITTEN.removeprefix("quote_"), WHEN)


def test_a_fingerprint_knows_values_not_their_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
