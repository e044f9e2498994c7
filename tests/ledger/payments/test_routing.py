"""Routing: asked, preferred, available, cheapest; and the next one when an attempt failed."""

from datetime import date

import pytest

from ledger.payments.methods import METHODS, MethodUnknown
from ledger.payments.routing import NoMethodAvailable, choose, offer
from support.payment_facts import rp

TODAY = date(2026, 11, 24)


def chosen(asked, amount=99_000, *, preference=(), tried=(), health=None, payer=None):
    method, reason = choose(
        asked,
        rp(amount),
        preference=preference,
        tried=tried,
        health=health or {},
        on=TODAY,
        payer=payer,
    )
    return method.code, reason.rule


def test_a_method_asked_for_by_name_is_taken_as_it_is():
    assert chosen("bca_va", preference=["bni_va"], health={"bca_va": "degraded"}) == (
        "bca_va",
        "asked",
    )


def test_a_family_follows_the_preference():
    assert chosen("bank_transfer", preference=["cimb_va", "bca_va"]) == ("cimb_va", "preference")


def test_without_a_preference_the_cheapest_is_taken():
    assert chosen("e_wallet") == ("linkaja", "cost")  # 0.7 % against 2 %


def test_at_equal_cost_the_catalogue_decides():
    assert chosen("bank_transfer") == ("bca_va", "cost")


def test_a_method_out_of_its_limits_is_passed_over():
    assert chosen("bank_transfer", 5_000) == ("bni_va", "availability")  # BCA starts at 10,000
    assert chosen("e_wallet", 15_000_000, preference=["linkaja"]) == ("gopay", "availability")


def test_a_degraded_method_is_passed_over_and_the_reason_says_so():
    method, reason = choose(
        "bank_transfer",
        rp(99_000),
        preference=["bca_va", "bri_va"],
        tried=(),
        health={"bca_va": "degraded"},
        on=TODAY,
    )

    assert (method.code, reason.rule) == ("bri_va", "availability")
    assert "BCA Virtual Account is degraded" in reason.words
    assert reason.considered == ("bni_va", "cimb_va", "permata_va", "mandiri_bill", "bca_va")


def test_when_all_are_degraded_one_is_taken_all_the_same():
    health = {"alfamart": "degraded", "indomaret": "degraded"}

    assert chosen("convenience_store", health=health) == ("alfamart", "cost")


def test_a_wallet_that_needs_a_phone_is_not_taken_without_one():
    assert chosen("e_wallet", preference=["ovo"], payer=("phone",)) == ("ovo", "preference")
    assert chosen("e_wallet", preference=["ovo"], payer=("email",)) == ("linkaja", "availability")


def test_the_next_try_leaves_out_what_was_tried():
    assert chosen("convenience_store", tried=["alfamart"]) == ("indomaret", "fallback")


def test_the_callers_fallback_comes_into_play_only_after_a_try():
    assert chosen("bank_transfer", preference=["qris"]) == ("bca_va", "cost")
    assert chosen("bank_transfer", preference=["qris"], tried=["bca_va"]) == ("qris", "fallback")
    assert chosen("credit_card", preference=["qris", "bca_va"], tried=["credit_card"]) == (
        "qris",
        "fallback",
    )


def test_a_fallback_may_be_a_family():
    assert chosen("credit_card", preference=["e_wallet"], tried=["credit_card", "gopay"]) == (
        "shopeepay",
        "fallback",
    )


@pytest.mark.parametrize(
    ("asked", "amount", "tried"),
    [
        ("credit_card", 99_000, ["credit_card"]),
        ("convenience_store", 99_000, ["alfamart", "indomaret"]),
        ("convenience_store", 5_000_001, []),
    ],
)
def test_when_nothing_is_left_the_payment_is_refused(asked, amount, tried):
    with pytest.raises(NoMethodAvailable):
        chosen(asked, amount, tried=tried)


@pytest.mark.parametrize(("asked", "preference"), [("paypal", []), ("e_wallet", ["paypal"])])
def test_an_unknown_name_is_refused(asked, preference):
    with pytest.raises(MethodUnknown):
        chosen(asked, preference=preference)


def test_the_offer_lists_every_method_available_ones_first_and_cheapest_first():
    rows = offer("ID", rp(99_000), {"qris": "degraded"}, [], TODAY)

    assert [row.method.code for row in rows[:2]] == ["linkaja", "qris"]
    assert (rows[0].fee.total, rows[0].degraded, rows[1].degraded) == (rp(693), False, True)
    assert {row.method.code for row in rows} == set(METHODS)
    assert all(row.available and not row.why_not for row in rows)


def test_the_offer_follows_the_preference():
    rows = offer("ID", rp(99_000), {}, ["credit_card", "bca_va"], TODAY)

    assert [row.method.code for row in rows[:3]] == ["credit_card", "bca_va", "linkaja"]


def test_the_offer_says_why_a_method_is_not_available():
    rows = offer("ID", rp(10_000_001), {}, ["qris"], TODAY)
    refused = [row.method.code for row in rows if not row.available]

    assert refused == ["qris", "alfamart", "indomaret", "linkaja"]
    assert [row.method.code for row in rows[-4:]] == refused
    assert rows[-4].why_not == "QRIS takes at most Rp10.000.000."
    assert not any(row.available for row in offer("SG", rp(99_000), {}, [], TODAY))
