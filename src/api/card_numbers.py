"""Card numbers do not belong here: the payer's browser gives them to the gateway, and we get a token.

Whatever looks like one, in any text we would keep, is refused before anything is stored (PCI DSS 3.2.1).
"""

import re
from typing import Final

from ledger.errors import Rejected

# Visa, Mastercard, American Express, JCB, and what begins with 6 (UnionPay, Discover): midtrans.md 13.
LIKE_A_CARD: Final = re.compile(
    r"(?<!\d)(?:4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|35\d{14}|6\d{15,18})(?!\d)"
)
# As people write them, in groups; a token of the gateway (48111111-1114-…) is grouped otherwise.
IN_GROUPS: Final = re.compile(
    r"(?<![\w-])(?:\d{4}([ .-])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{4}([ .-])\d{6}\2\d{5})(?![\w-])"
)


class CardNumberRefused(Rejected):
    code = "card_number_refused"
    title = "A text holds what looks like a card number; send the gateway's token instead."


def refuse_card_numbers(value: object) -> None:
    """Looks into texts, mappings and sequences; raises CardNumberRefused."""
    match value:
        case str():
            digits = IN_GROUPS.sub(lambda found: re.sub(r"\D", "", found[0]), value)
            if any(_luhn(found[0]) for found in LIKE_A_CARD.finditer(digits)):
                raise CardNumberRefused()
        case dict():
            for key, part in value.items():
                refuse_card_numbers(key)
                refuse_card_numbers(part)
        case list() | tuple():
            for part in value:
                refuse_card_numbers(part)


def _luhn(digits: str) -> bool:
    odd = [int(digit) for digit in digits[-1::-2]]
    even = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(odd) + sum(even)) % 10 == 0
