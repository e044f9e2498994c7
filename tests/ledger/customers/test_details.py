"""Names, addresses and numbers: what is taken, in which form it is kept, and that refusals repeat nothing."""

import pytest

from ledger.customers.details import CustomerDetailsRefused, Details, checked, is_nik

TAKEN = {
    "name": {
        "Siti Rahayu": "Siti Rahayu",
        "  Ngurah Rai ": "Ngurah Rai",
        "D'Angelo, S.H.": "D'Angelo, S.H.",
    },
    "email": {
        "siti@example.id": "siti@example.id",
        "a.b+c@mail.example.co.id": "a.b+c@mail.example.co.id",
    },
    "phone": {
        "0812-3456-7890": "+6281234567890",
        "081234567890": "+6281234567890",
        "6281234567890": "+6281234567890",
        "+62 812 3456 7890": "+6281234567890",
        "(021) 555 1234": "+62215551234",
        "+14155550123": "+14155550123",
    },
    "npwp": {
        "0012345678901000": "0012345678901000",
        "01.234.567.8-901.000": "012345678901000",
        "012345678901000": "012345678901000",
    },
    "address": {"Jl. Merdeka 1\r\nBandung": "Jl. Merdeka 1\nBandung"},
}
REFUSED = {
    "name": [" ", "a\nb", "a\x00b", "a" * 256],
    "email": [
        "siti",
        "siti@",
        "@example.id",
        "siti@example",
        "si ti@example.id",
        "a@b@c.id",
        "siti@example.id\nx",
        "siti@.id",
        f"{'a' * 65}@example.id",
        f"a@{'b' * 250}.id",
    ],
    "phone": [
        "12345",
        "0112345678",
        "+0812345678",
        "08123",
        "0812345678901234",
        "+6281234567890123",
        "telepon",
        "٠٨١٢٣٤٥٦٧٨٩",
    ],
    "npwp": [
        "1234567890",
        "12345678901234567",
        "01.234.567.8-901.00",
        "0012345678901000x",
        "٠٠١٢٣٤٥٦٧٨٩٠١٠٠٠",
    ],
    "address": ["\n", "a\x07b", "a" * 501],
}


@pytest.mark.parametrize(
    ("field", "said", "kept"),
    [(field, *pair) for field, pairs in TAKEN.items() for pair in pairs.items()],
)
def test_what_is_well_formed_is_kept_in_one_form(field: str, said: str, kept: str) -> None:
    assert getattr(checked(Details(**{field: said})), field) == kept


@pytest.mark.parametrize(
    ("field", "said"), [(field, said) for field, texts in REFUSED.items() for said in texts]
)
def test_what_is_not_is_refused_and_not_repeated(field: str, said: str) -> None:
    with pytest.raises(CustomerDetailsRefused) as refused:
        checked(Details(**{field: said}))

    assert refused.value.context == {"field": field}
    assert said.strip() == "" or said not in f"{refused.value.detail} {refused.value!r}"


def test_what_is_kept_is_taken_again() -> None:
    for field, pairs in TAKEN.items():
        for kept in pairs.values():
            assert getattr(checked(Details(**{field: kept})), field) == kept


def test_nothing_is_asked_of_what_is_not_known() -> None:
    assert checked(Details()) == Details()


def test_details_do_not_show_themselves() -> None:
    assert "Siti" not in repr(Details(name="Siti Rahayu"))


@pytest.mark.parametrize(
    ("digits", "is_one"),
    [
        ("3578014107950001", True),  # a woman of Surabaya, born on the first of a July
        ("5171012503880002", True),
        ("3578013207950001", False),  # there is no 32nd
        ("3578010113950001", False),  # nor a 13th month
        ("3578010007950001", False),
        ("0012345678901000", False),
        ("4811111111111114", False),
        ("3578994107950001", True),  # the district is not looked up
        ("357801410795000", False),
    ],
)
def test_the_number_of_a_person_has_a_birthday_in_it(digits: str, is_one: bool) -> None:
    assert is_nik(digits) == is_one
