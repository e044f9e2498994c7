"""The method catalogue against midtrans.md 4.1, 6, 11.4, 14, 15 and compliance-id.md 9.5."""

from datetime import date

import pytest
from msgspec.structs import replace

from ledger.payments.methods import (
    FAMILIES,
    METHODS,
    AmountAboveMaximum,
    AmountBelowMinimum,
    ExpiryOutOfBounds,
    FeeRate,
    FeeUnknown,
    MethodNotInCountry,
    MethodUnknown,
    check_amount,
    check_country,
    expiry,
    fee_for,
    method,
    paid_by,
)
from support.payment_facts import fee, rp

TODAY = date(2026, 11, 24)
DAY = 86_400


def test_the_catalogue_has_every_method_of_the_brief():
    assert set(METHODS) == {
        *("credit_card", "bca_va", "bni_va", "bri_va", "cimb_va", "permata_va", "mandiri_bill"),
        *("gopay", "shopeepay", "ovo", "qris", "dana", "linkaja", "alfamart", "indomaret"),
        *("akulaku", "kredivo", "snap"),
    }
    assert all(code == row.code for code, row in METHODS.items())
    assert METHODS["credit_card"].networks == ("Visa", "Mastercard", "JCB", "American Express")


def test_a_family_holds_its_methods():
    assert FAMILIES["e_wallet"] == ("gopay", "shopeepay", "ovo", "dana", "linkaja")
    assert FAMILIES["convenience_store"] == ("alfamart", "indomaret")
    assert "mandiri_bill" in FAMILIES["bank_transfer"]
    assert "mandiri_bill" not in FAMILIES["virtual_account"]
    assert all(code in METHODS for codes in FAMILIES.values() for code in codes)
    assert not set(FAMILIES) & set(METHODS)


@pytest.mark.parametrize(
    ("code", "amount", "expected"),
    [
        ("qris", 99_000, fee(693, 0, 0)),  # Q04
        ("qris", 109_890, fee(769, 0, 0)),  # Q05
        ("qris", 149_500, fee(1_047, 0, 0)),  # Q06
        ("qris", 10_000_000, fee(70_000, 0, 0)),  # Q07
        ("credit_card", 500_000, fee(14_500, 2_000, 1_815)),  # Q12
        ("credit_card", 109_890, fee(3_187, 2_000, 571)),  # Q13
        ("permata_va", 11_100_000, fee(0, 4_000, 440)),  # Q14
        ("credit_card", 99_000, fee(2_871, 2_000, 536)),  # books.md section 3
        ("gopay", 100_000, fee(2_000, 0, 220)),
        ("alfamart", 100_000, fee(0, 5_000, 550)),
        ("akulaku", 100_000, fee(1_700, 0, 187)),
    ],
)
def test_the_fee_is_as_published(code, amount, expected):
    assert fee_for(method(code), rp(amount), TODAY) == expected


def test_the_fee_follows_the_day():
    dearer = FeeRate(valid_from=date(2027, 1, 1), fixed_minor=4_500)
    until_then = FeeRate(
        valid_from=date(2025, 1, 1), valid_to=date(2026, 12, 31), fixed_minor=4_000
    )
    bank = replace(method("bni_va"), fees=(until_then, dearer))

    assert fee_for(bank, rp(50_000), date(2026, 12, 31)) == fee(0, 4_000, 440)
    assert fee_for(bank, rp(50_000), date(2027, 1, 1)) == fee(0, 4_500, 495)
    with pytest.raises(FeeUnknown):
        fee_for(bank, rp(50_000), date(2024, 12, 31))


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        ("credit_card", 10_000, 999_999_999),
        ("bca_va", 10_000, 20_000_000_000),
        ("bri_va", 1, 20_000_000_000),
        ("permata_va", 1, 9_999_999_999),
        ("cimb_va", 1, 250_000_000),
        ("mandiri_bill", 1, 50_000_000_000),
        ("gopay", 1, 20_000_000),
        ("shopeepay", 1, 20_000_000),
        ("dana", 1, 20_000_000),
        ("ovo", 1, 99_999_999),
        ("qris", 1, 10_000_000),
        ("alfamart", 1, 5_000_000),
        ("indomaret", 10_000, 5_000_000),
    ],
)
def test_amounts_are_taken_within_the_limits_only(code, least, most):
    row = method(code)

    assert check_amount(row, rp(least)) == rp(least)
    assert check_amount(row, rp(most)) == rp(most)
    with pytest.raises(AmountBelowMinimum):
        check_amount(row, rp(least - 1))
    with pytest.raises(AmountAboveMaximum) as refused:  # Q08 for QRIS: refused before the charge
        check_amount(row, rp(most + 1))
    assert refused.value.context == {"method": code, "maximum_minor": most}


def test_akulaku_starts_at_five_thousand():
    with pytest.raises(AmountBelowMinimum):
        check_amount(method("akulaku"), rp(4_999))


@pytest.mark.parametrize(
    ("code", "default", "shortest", "longest"),
    [
        ("credit_card", 600, 600, 600),
        ("bca_va", DAY, 20, 180 * DAY),
        ("mandiri_bill", DAY, 20, 180 * DAY),
        ("gopay", 900, 20, 7 * DAY),
        ("shopeepay", 900, 20, 5 * DAY),
        ("qris", 900, 20, 5 * DAY),
        ("dana", 900, 900, DAY),
        ("ovo", 65, 65, 65),
        ("indomaret", DAY, 20, 180 * DAY),
        ("akulaku", 7_200, 20, 180 * DAY),
        ("kredivo", DAY, 20, 180 * DAY),
        ("snap", DAY, 300, 7 * DAY),
    ],
)
def test_expiry_has_a_default_and_bounds(code, default, shortest, longest):
    row = method(code)

    assert [expiry(row, asked) for asked in (None, shortest, longest)] == [
        default,
        shortest,
        longest,
    ]
    for asked in (shortest - 1, longest + 1):
        with pytest.raises(ExpiryOutOfBounds):
            expiry(row, asked)


@pytest.mark.parametrize(
    ("code", "allowed", "days"),
    [
        ("credit_card", "full_or_partial", 180),
        ("gopay", "full_or_partial", 45),
        ("shopeepay", "full", 365),
        ("dana", "full_or_partial", 45),
        ("ovo", "full", 7),
        ("akulaku", "full_or_partial", 180),
        ("kredivo", "full_or_partial", 14),
        ("bca_va", "none", 0),
        ("mandiri_bill", "none", 0),
        ("alfamart", "none", 0),
    ],
)
def test_refunds_are_as_the_refund_page_says(code, allowed, days):
    rule = method(code).refund

    assert (rule.allowed, rule.window_days) == (allowed, days)


def test_methods_that_may_turn_to_deny_after_settlement_say_so():
    assert {row.code for row in METHODS.values() if row.reversible} == {
        "permata_va",
        "mandiri_bill",
        "indomaret",
    }


def test_each_method_says_how_to_ask_midtrans_for_it():
    assert method("cimb_va").mapping.details == {"bank_transfer": {"bank": "cimb"}}
    assert method("mandiri_bill").mapping.payment_type == "echannel"
    assert method("indomaret").mapping.details == {"cstore": {"store": "indomaret"}}
    assert (method("dana").mapping.api, method("dana").mapping.enabled_payments) == (
        "snap",
        ("dana",),
    )
    assert method("snap").mapping.enabled_payments == ()
    assert method("linkaja").mapping.payment_type == "qris"


def test_an_unknown_method_is_refused_with_the_list_of_known_ones():
    with pytest.raises(MethodUnknown) as refused:
        method("paypal")

    assert refused.value.code == "method_unknown"
    assert {"credit_card", "e_wallet"} <= set(refused.value.context["known"])


def test_a_method_is_offered_in_its_countries_only():
    assert check_country(method("ovo"), "ID") == "ID"
    with pytest.raises(MethodNotInCountry):
        check_country(method("ovo"), "SG")


@pytest.mark.parametrize(
    ("attempted", "said", "rule"),
    [
        ("snap", "bank_transfer", "bca_va"),
        ("snap", "gopay", "gopay"),
        ("snap", "dana", "dana"),
        ("snap", "qris", "qris"),
        ("snap", "", "snap"),
        ("snap", "word_of_tomorrow", "snap"),
        ("gopay", "qris", "qris"),
        ("gopay", "gopay", "gopay"),
        ("credit_card", "bank_transfer", "credit_card"),
    ],
)
def test_fees_and_refunds_go_by_what_the_payer_chose(attempted: str, said: str, rule: str) -> None:
    assert paid_by(attempted, said).code == rule
