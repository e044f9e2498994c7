"""What a notice must look like, and carry as its signature, to be a reason to ask."""

import hashlib
import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.providers.midtrans.notices import MAX_NOTICE_BYTES, SHAPES, read_notice
from ledger.providers.midtrans.signature import signature
from ledger.providers.port import NoticeForged, NoticeMalformed

PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the machine may be busy
KEY = "SB-Mid-server-test"
FIELDS = {
    "order_id": "pay_01k9-1",
    "status_code": "200",
    "gross_amount": "150000.00",
    "transaction_id": "513f1f01-0b9a-4b0e-9f0f-1d6a3c1b7c11",
    "transaction_status": "settlement",
    "fraud_status": "accept",
    "payment_type": "qris",
}


def signed(**changes: object) -> dict[str, object]:
    fields = {**FIELDS, **changes}
    key = signature(
        str(fields["order_id"]), str(fields["status_code"]), str(fields["gross_amount"]), KEY
    )
    return {"signature_key": key, **fields}


def raw(fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_signed_notice_names_its_order_and_its_digest():
    body = raw(signed())

    notice = read_notice(body, KEY)

    assert (notice.order_id, notice.transaction_id) == (
        FIELDS["order_id"],
        FIELDS["transaction_id"],
    )
    assert notice.status_words == "settlement accept"
    assert notice.digest == hashlib.sha256(body).hexdigest()


def test_a_channel_without_screening_has_no_fraud_status():
    fields = signed()
    del fields["fraud_status"]

    assert read_notice(raw(fields), KEY).status_words == "settlement"


FORGERIES = {
    "another amount": {"gross_amount": "15.00"},
    "another order": {"order_id": "pay_01k9-2"},
    "another code": {"status_code": "201"},
    "another signature": {"signature_key": "0" * 128},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_notice_that_was_signed_for_something_else_is_forged(forgery: dict[str, str]):
    with pytest.raises(NoticeForged):
        read_notice(raw({**signed(), **forgery}), KEY)


def test_a_notice_of_another_account_is_forged():
    with pytest.raises(NoticeForged):
        read_notice(raw(signed()), "SB-Mid-server-other")


# Each of these is rightly signed: only its shape speaks against it.
MISSHAPEN = {
    "a path as order id": {"order_id": "../../admin"},
    "no order id": {"order_id": ""},
    "an order id in other digits": {"order_id": "pay_\u0661-1"},
    "an endless order id": {"order_id": "a" * 256},
    "a code of no event": {"status_code": "407"},
    "a short code": {"status_code": "20"},
    "no decimals": {"gross_amount": "150000"},
    "sen": {"gross_amount": "150000.50"},
    "a leading zero": {"gross_amount": "0150000.00"},
    "other digits": {"gross_amount": "\u0661\u0665.00"},
    "a line break at the end": {"gross_amount": "150000.00\n"},
    "a negative amount": {"gross_amount": "-150000.00"},
    "a status of no letters": {"transaction_status": "<script>"},
}


@pytest.mark.parametrize("shape", MISSHAPEN.values(), ids=MISSHAPEN)
def test_what_has_not_the_shape_of_a_notice_is_malformed_whatever_its_signature(
    shape: dict[str, str],
):
    with pytest.raises(NoticeMalformed):
        read_notice(raw(signed(**shape)), KEY)


def test_a_field_moved_across_the_boundary_is_refused_by_its_shape():
    """`A-1` + `201` + `5000.00` and `A-12` + `015` + `000.00` are the same signed text (midtrans.md 10.3)."""
    honest = signed(order_id="A-1", status_code="201", gross_amount="5000.00")
    moved = {**honest, "order_id": "A-12", "status_code": "015", "gross_amount": "000.00"}

    with pytest.raises(NoticeMalformed):
        read_notice(raw(moved), KEY)


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "fraud_status"])
def test_a_missing_or_mistyped_field_is_malformed(name: str):
    without = {key: value for key, value in signed().items() if key != name}
    for body in (
        without,
        {**without, name: None},
        {**without, name: 200},
        {**without, name: ["x"]},
    ):
        with pytest.raises(NoticeMalformed):
            read_notice(raw(body), KEY)


BROKEN = {
    "nothing": b"",
    "not JSON": b"order_id=1",
    "a list": b"[]",
    "a number": b"1",
    "not UTF-8": b'{"order_id": "\xff"}',
    "a key twice": raw(signed())[:-1] + b', "transaction_status": "deny"}',
    "not a number": raw(signed())[:-1] + b', "x": NaN}',
    "too deep": b"[" * 60_000,
    "too long": raw(signed(custom_field1="x" * MAX_NOTICE_BYTES)),
    "an endless number": b'{"x": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_bytes_that_are_no_object_of_unique_keys_are_malformed(body: bytes):
    with pytest.raises(NoticeMalformed):
        read_notice(body, KEY)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CHANGES = st.dictionaries(st.sampled_from([*SHAPES, "extra"]), ANY_JSON, max_size=4)


@PATIENT
@given(changes=CHANGES, key=st.text(alphabet=st.characters(codec="utf-8")))
def test_any_json_is_a_notice_or_malformed_or_forged_and_nothing_else(
    changes: dict[str, object], key: str
):
    with suppress(NoticeMalformed, NoticeForged):
        read_notice(raw({**signed(), **changes}), key)


@PATIENT
@given(body=st.binary(max_size=200), key=st.text(alphabet=st.characters(codec="utf-8")))
def test_any_bytes_are_malformed(body: bytes, key: str):
    with pytest.raises(NoticeMalformed):
        read_notice(body, key)


@PATIENT
@given(at=st.integers(min_value=0, max_value=len(raw(signed())) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_raises_anything_else(at: int, bit: int):
    flipped = bytearray(raw(signed()))
    flipped[at] ^= 1 << bit

    with suppress(NoticeMalformed, NoticeForged):
        read_notice(bytes(flipped), KEY)
