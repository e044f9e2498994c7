"""PPN against compliance-id.md 9.1, 9.2 and 9.4 and books.md section 2."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.tax import rate, split, tax_of_part
from support.payment_facts import rp, share

TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("gross", "net", "ppn"),
    [
        (1_000, 901, 99),  # I01
        (49_000, 44_144, 4_856),
        (99_000, 89_189, 9_811),  # I03 and books.md 2, rule 1
        (111_000, 100_000, 11_000),
        (149_000, 134_234, 14_766),
        (249_000, 224_324, 24_676),
        (499_000, 449_550, 49_450),
        (399_000, 359_459, 39_541),
        (999_000, 900_000, 99_000),  # I09
        (85_000, 76_577, 8_423),  # R07
        (1_188_000, 1_070_270, 117_730),  # books.md 2, rule 3
    ],
)
def test_a_price_that_includes_ppn_splits_as_published(gross, net, ppn):
    assert split(rp(gross), TODAY, taxed=True) == share(net, ppn)


@pytest.mark.parametrize(
    ("on", "net", "ppn"),
    [
        (date(2024, 6, 1), 3_453_454, 379_879),  # P12: 11 %, floor
        (date(2022, 3, 31), 3_453_454, 345_345),  # P13: 10 %, floor
    ],
)
def test_earlier_rates_floor_the_tax(on, net, ppn):
    assert rate(on).on_top_of(net) == ppn
    assert split(rp(net + ppn), on, taxed=True) == share(net, ppn)


@pytest.mark.parametrize(
    ("on", "percent", "base"),
    [
        (date(2022, 3, 31), 10, (1, 1)),
        (date(2022, 4, 1), 11, (1, 1)),
        (date(2024, 12, 31), 11, (1, 1)),
        (date(2025, 1, 1), 12, (11, 12)),
        (TODAY, 12, (11, 12)),
    ],
)
def test_the_rate_follows_the_day(on, percent, base):
    row = rate(on)

    assert (row.percent, (row.base_numerator, row.base_denominator)) == (percent, base)


def test_an_untaxed_sale_is_all_revenue():
    assert split(rp(99_000), TODAY, taxed=False) == share(99_000, 0)  # P15
    assert tax_of_part(share(99_000, 0), rp(0), rp(33_000), sold_on=TODAY) == rp(0)


def test_three_refunds_give_back_the_tax_of_the_whole():
    whole, parts = share(89_189, 9_811), (rp(0), rp(33_000), rp(66_000))

    taxes = [tax_of_part(whole, before, rp(33_000), sold_on=TODAY).minor for before in parts]

    assert taxes == [3_270, 3_271, 3_270]  # R11 and books.md 2, rule 2
    assert [33_000 - tax for tax in taxes] == [29_730, 29_729, 29_730]


def test_the_last_part_gives_back_what_was_booked_whatever_the_rate_says_now():
    booked = share(88_393, 10_607)  # at 12 % of the full price

    last = tax_of_part(booked, rp(66_000), rp(33_000), sold_on=TODAY)

    assert last == rp(10_607 - 6_541)


@given(st.integers(1, 1_000_000))
def test_net_and_tax_are_the_gross_and_within_a_rupiah_of_the_strict_tax(gross):
    parts = split(rp(gross), TODAY, taxed=True)
    base_of_tax = (2 * 11 * parts.net.minor + 12) // 24  # rhu(11 B, 12), compliance-id.md 1.2
    strict = (2 * 12 * base_of_tax + 100) // 200  # rhu(12 NL, 100)

    assert parts.total == rp(gross)
    assert abs(parts.tax.minor - strict) <= 1


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=12),
    st.dates(date(2010, 1, 1), date(2030, 1, 1)),
)
def test_the_tax_of_all_parts_is_the_tax_of_the_whole(parts, on):
    whole = split(rp(sum(parts)), on, taxed=True)
    before = [sum(parts[:i]) for i in range(len(parts))]

    taxes = [
        tax_of_part(whole, rp(b), rp(p), sold_on=on).minor
        for b, p in zip(before, parts, strict=True)
    ]

    assert sum(taxes) == whole.tax.minor
    assert all(0 <= tax <= part for tax, part in zip(taxes, parts, strict=True))
