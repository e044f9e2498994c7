"""Card numbers sent by mistake are refused; ids, phones and tokens that only resemble them are not."""

import json

import pytest

from api.bodies import PaymentBody
from api.card_numbers import CardNumberRefused, refuse_card_numbers

ASKED = {"amount": 50_000, "paymentMethod": "bca_va"}


@pytest.mark.parametrize(
    "text",
    [
        "4811111111111114",
        "4811 1111 1111 1114",
        "4811-1111-1111-1114",
        "card 5211111111111117, thanks",
        "370192169722458",
        "3528203324564357",
        "6212487892425802",
    ],
)
def test_what_looks_like_a_card_number_is_refused(text: str):
    with pytest.raises(CardNumberRefused) as refused:
        refuse_card_numbers({"metadata": [{"note": text}]})
    assert refused.value.context == {}


@pytest.mark.parametrize(
    "text",
    [
        "48111111-1114-80d5df78-be87-41e0-b4e2-1a0f4e2ea6ae",  # a one-time token
        "44111111-1118-12345678-1234-1234-1234-123456789012",
        "+6281234567890",
        "1732345678901",
        "4811111111111115",  # not by Luhn
        "order 20261123 1114",
        "12345678901234567890123",
    ],
)
def test_what_only_resembles_one_is_not(text: str):
    refuse_card_numbers(text)


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"card": "4811111111111114"}},
        {"customerId": "4811111111111114"},
        {"cardToken": "4811111111111114"},
        {"payer": {"name": "Budi 4811 1111 1111 1114"}},
    ],
)
def test_no_field_of_a_payment_takes_one(body: dict[str, object]):
    with pytest.raises(CardNumberRefused):
        PaymentBody.model_validate_json(json.dumps(ASKED | body))
