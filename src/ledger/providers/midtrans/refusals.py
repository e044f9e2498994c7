"""Why a payer's bank or wallet said no: `channel_response_code` in plain words (midtrans.md 12.3)."""

from typing import Final

_CARD: Final = (
    (("01", "02"), "The bank wants the payer to call."),
    (("03",), "The bank does not accept this merchant."),
    (("04", "07", "33", "34", "35", "36", "37", "38", "41", "43", "67"), "The card is blocked."),
    (("05",), "The bank declined without a reason."),
    (("12", "57", "58"), "The bank does not permit this transaction."),
    (("13",), "The bank does not accept this amount."),
    (("14", "15", "39", "46"), "The card or its account does not exist."),
    (("51",), "Insufficient funds."),
    (("54",), "The card has expired."),
    (("55", "75"), "The PIN was wrong."),
    (("59", "83"), "The bank suspects fraud."),
    (("61", "65"), "A limit of the card is reached."),
    (("62",), "The card is restricted."),
    (("82", "N7"), "The security code was wrong."),
    (("19", "22", "90", "91", "92", "96"), "The bank cannot be reached; try again later."),
    (("94",), "The bank has seen this transaction before."),
    (("1A",), "The bank wants the payer to authenticate."),
    (("Z3",), "More was to be captured than was authorised."),
    (("R0", "R1", "R3"), "The payer has stopped recurring payments."),
)
_GOPAY: Final = (
    (("101", "105"), "There is no such GoPay account."),
    (("112",), "The GoPay account is blocked."),
    (("132",), "Another payment is in progress."),
    (("153", "5009"), "The GoPay account must be linked again."),
    (("201",), "Insufficient balance."),
    (("202", "213"), "A limit of the GoPay balance is reached."),
    (("900",), "GoPay is unavailable; try again later."),
    (("4060",), "GoPay suspects fraud."),
)
_OVO: Final = (
    (("14",), "This phone number has no OVO account."),
    (("17",), "The payer cancelled."),
    (("26",), "OVO could not reach the payer's phone."),
    (("40",), "The payment failed at OVO."),
    (("68",), "The payer did not answer in time."),
)
CHANNEL_TEXTS: Final = {
    (payment_type, code): text
    for payment_type, rows in (("credit_card", _CARD), ("gopay", _GOPAY), ("ovo", _OVO))
    for codes, text in rows
    for code in codes
}


def channel_text(payment_type: str | None, code: str | None) -> str:
    """The same code means different things to different channels. Empty when the table has none."""
    return CHANNEL_TEXTS.get((payment_type or "", code or ""), "")
