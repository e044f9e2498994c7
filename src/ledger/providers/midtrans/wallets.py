"""A linked GoPay account as the gateway shows it: which token its owner's wallet is charged with now.

Tokens rotate, so the one that is saved says which payment option is meant at most for a while
(midtrans.md 9). Looking charges nobody: whatever it comes to but a token proves that nothing was done.
"""

from typing import Final

import msgspec

from ledger.providers.midtrans import verdicts, wire
from ledger.providers.midtrans.answers import Reply, not_done
from ledger.providers.midtrans.wire import Account, Option, Unusable
from ledger.providers.port import DidNot, Outcome, Unknown

ENABLED: Final = "ENABLED"
WALLET: Final = "GOPAY_WALLET"  # unless the saved token still names another option
# How a charge says that another look has turned the token meanwhile: nothing was done, and the next
# attempt looks anew.
TURNED: Final = "GoPay token is invalid"
TOKEN_TURNED: Final = "payer_token_turned"


def current_token(seen: Reply | Outcome, saved: str) -> str | DidNot:
    """To be charged with. Never raises."""
    if not isinstance(seen, Reply):
        return _not_looked(seen)
    try:
        account = wire.account(seen.body)
    except Unusable:
        account = Account()
    if account.account_status == ENABLED:
        option = _option(account.options, saved)
        return option.token if option else _unusable("The account has nothing to pay with.")
    if account.account_status:
        return _unusable(f"The account is {account.account_status.lower()}.")
    verdict = verdicts.verdict("charge", seen.http, account.status_code)
    return _not_looked(not_done(verdict, account.status_message or ""))


def _option(options: list[Option], saved: str) -> Option | None:
    usable = [one for one in options if one.active and one.token]
    named = [one for one in usable if one.token == saved]
    wallets = [one for one in usable if one.name == WALLET]
    return next(iter([*named, *wallets, *usable]), None)


def _unusable(words: str) -> DidNot:
    return DidNot(code="payer_account_unknown", words=words)


def _not_looked(outcome: Outcome) -> DidNot:
    if isinstance(outcome, DidNot):
        return outcome
    detail = outcome.cause if isinstance(outcome, Unknown) else "not told"
    words = f"The linked account could not be looked at ({detail})."
    return DidNot(code="service_unavailable", words=words, retryable=True)


def after_charge(outcome: Outcome) -> Outcome:
    """Of a wallet whose token has turned between the look and the charge: to be tried again."""
    if isinstance(outcome, DidNot) and TURNED in outcome.words:
        return msgspec.structs.replace(outcome, code=TOKEN_TURNED, retryable=True)
    return outcome
