"""midtrans.md 11.1 and 11.2, word by word."""

import pytest

from ledger.providers.midtrans.refusals import channel_text
from ledger.providers.midtrans.statuses import charge_status
from ledger.providers.midtrans.wire import Unusable
from ledger.providers.port import ChargeStatus

S = ChargeStatus
MEANS = (
    ("pending", "accept", S.PENDING),
    ("pending", None, S.PENDING),
    ("PENDING", None, S.PENDING),  # DANA writes it so
    ("authorize", "accept", S.AUTHORISED),
    ("authorize", "challenge", S.CHALLENGED),
    ("capture", "accept", S.CAPTURED),
    ("Capture", "ACCEPT", S.CAPTURED),
    ("capture", None, S.CAPTURED),
    ("capture", "challenge", S.CHALLENGED),
    ("capture", "deny", S.DENIED),
    ("settlement", "accept", S.SETTLED),
    ("settlement", None, S.SETTLED),
    ("deny", "accept", S.DENIED),
    ("deny", "deny", S.DENIED),
    ("cancel", "accept", S.CANCELLED),
    ("cancel", "challenge", S.CANCELLED),
    ("expire", None, S.EXPIRED),
    ("failure", "accept", S.FAILED),
    ("refund", "accept", S.SETTLED),
    ("partial_refund", None, S.SETTLED),
    ("chargeback", "accept", S.CHARGED_BACK),
    ("partial_chargeback", "accept", S.CHARGED_BACK),
)


@pytest.mark.parametrize(("status", "fraud", "meaning"), MEANS)
def test_each_documented_pair_has_one_meaning(
    status: str, fraud: str | None, meaning: ChargeStatus
):
    assert charge_status(status, fraud) is meaning


UNDOCUMENTED = (
    ("settled", "accept"),
    (None, None),
    ("", ""),
    ("settlement", "deny"),
    ("settlement", "challenge"),
    ("capture", "maybe"),
    ("pending", "challenge"),
)


@pytest.mark.parametrize(("status", "fraud"), UNDOCUMENTED)
def test_a_pair_that_is_not_documented_means_nothing(status: str | None, fraud: str | None):
    with pytest.raises(Unusable) as unusable:
        charge_status(status, fraud)
    assert unusable.value.cause == "status_word_unknown"


def test_the_same_code_means_different_things_to_different_channels():
    assert channel_text("credit_card", "14") == "The card or its account does not exist."
    assert "OVO" in channel_text("ovo", "14")
    assert channel_text("qris", "14") == ""
    assert channel_text(None, None) == ""
