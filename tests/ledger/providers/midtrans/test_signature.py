"""Vectors: midtrans.md 10.3 and compliance-id.md 9.5."""

import pytest

from ledger.providers.midtrans.signature import is_signed, signature

SANDBOX_KEY = "SB-Mid-server-test"
VECTORS = (
    (
        ("1111", "200", "100000.00", "askvnoibnosifnboseofinbofinfgbiufglnbfg"),
        "edc076b21793ebe3e17926350f5b8ae67d902fe657b3d0aa31b932d5c127e237"
        "5d308a2bc94f3265ac2d80a1f181a79b997ac178a236fcff35af263fc4d4c231",
    ),
    (
        ("ORDER-sandbox-0001", "200", "150000.00", SANDBOX_KEY),
        "d65b4adf15335095fe1bfafe24964d48009dcc2989393e13570b0c9852ea60df"
        "0040b1a9646b9c9ef9433317f77acc8e387c59998dc20f5bd93fff93d23672e4",
    ),
    (
        ("ORDER-sandbox-0002", "201", "75000.00", SANDBOX_KEY),
        "db70270f6c27da2b564d4fffd9df3eeae578a7afba22bf5e6071711c7914d7a3"
        "d22ccaa533e864cf53742ca73c9e63016b0cbc1f97ee253a77b24b7a410d876a",
    ),
    (
        ("ORDER-sandbox-0003", "202", "50000.00", SANDBOX_KEY),
        "a51d1bd2aa8b1dca9228f3827cd641b6dadf52ebb9ed40fb45db6a06dbb33de7"
        "cde8e80caa93dfb5e6beeaaf44f698dc7f6f56edd46556eddaa2a774ff7692c6",
    ),
    (
        ("INV-2026-000123", "200", "109890.00", "SB-Mid-server-TEST"),
        "9cb0f4c0635293f5831f20b1db1d46dcd1ef954dfc5a84ab21ccb15fd00cb844"
        "1b98a4de3b68471fae6054f517b567b74fc34d5a79dbee3a784cf37c5dc9cc2b",
    ),
)


@pytest.mark.parametrize(("signed", "expected"), VECTORS)
def test_the_signature_is_that_of_the_published_vectors(
    signed: tuple[str, str, str, str], expected: str
):
    assert signature(*signed) == expected


@pytest.mark.parametrize(("signed", "expected"), VECTORS)
def test_an_amount_without_its_decimals_is_not_what_was_signed(
    signed: tuple[str, str, str, str], expected: str
):
    order_id, status_code, gross_amount, key = signed
    fields = {
        "order_id": order_id,
        "status_code": status_code,
        "gross_amount": gross_amount,
        "signature_key": expected,
    }

    assert is_signed(fields, key)
    assert not is_signed({**fields, "gross_amount": gross_amount.removesuffix(".00")}, key)
    assert not is_signed(fields, key + "x")
