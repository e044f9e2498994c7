"""GoPay accounts that customers link to a merchant (midtrans.md 9, 10.7, 13)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import uuid4

from simulator.signature import sign
from simulator.transactions import Fields, Status, Transaction
from simulator.wire import rupiah

LINK_LASTS: Final = timedelta(minutes=5)  # midtrans.md 1.6
BALANCE: Final = 1_000_000
WALLET: Final = "GOPAY_WALLET"
LATER: Final = "PAY_LATER"


class AccountStatus(StrEnum):
    PENDING = "PENDING"
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    EXPIRED = "EXPIRED"


# midtrans.md 9; nobody says what an account that lapsed answers: 202, as other failures.
CODES: Final = {
    AccountStatus.PENDING: "201",
    AccountStatus.ENABLED: "200",
    AccountStatus.DISABLED: "204",
    AccountStatus.EXPIRED: "202",
}
NOTICES: Final = {
    AccountStatus.ENABLED: "Midtrans account_linked notification",
    AccountStatus.DISABLED: "Midtrans account_unlinked notification",
}


class Refused(NamedTuple):
    """How GoPay turns a phone number down."""

    status_code: str
    response_code: str
    message: str


# midtrans.md 9, 13: the first two are the old sandbox's.
REFUSED: Final = {
    "123450001": Refused("202", "105", "User Not Found"),
    "123450002": Refused("202", "112", "Wallet is Blocked"),
    "8271939753": Refused("410", "112", "GoPay user is blocked"),
}
POOR: Final = ("8242014881",)
PAYS_LATER: Final = ("8103001242",)
TIES_UP: Final = (
    Status.AUTHORIZE,
    Status.CAPTURE,
    Status.SETTLEMENT,
    Status.PARTIAL_REFUND,
)


@dataclass(slots=True)
class Account:
    account_id: str
    phone: str
    redirect_url: str
    link_good_until: datetime
    balance: int  # before what was paid from it
    status: AccountStatus = AccountStatus.PENDING
    transactions: list[Transaction] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)  # the latest of each payment option
    used_tokens: dict[str, str] = field(default_factory=dict)  # all ever given

    @property
    def left(self) -> int:
        held = (one for one in self.transactions if one.status in TIES_UP)
        return self.balance - sum(one.refundable for one in held)

    @property
    def option_names(self) -> tuple[str, ...]:
        return (WALLET, LATER) if self.phone in PAYS_LATER else (WALLET,)

    def option(self, token: str) -> str | None:
        """Which payment option a token stands for. Tokens rotate with every look at the account, also
        for a merchant who charges by themselves: it is to be fetched before each payment.
        """
        return self.tokens.get(token)

    def turned(self, token: str) -> str:
        """The token that took its place, which the gateway itself knows when it charges."""
        name = self.used_tokens.get(token)
        return next((new for new, option in self.tokens.items() if option == name), token)

    def turn_tokens(self) -> None:
        self.tokens = {f"eyJ{uuid4().hex}{uuid4().hex}": name for name in self.option_names}
        self.used_tokens |= self.tokens

    def view(self) -> Fields:
        """As GET shows it: with payment options once it is linked."""
        said: Fields = {
            "status_code": CODES[self.status],
            "payment_type": "gopay",
            "account_id": self.account_id,
            "account_status": self.status.value,
        }
        if self.status is AccountStatus.ENABLED:
            self.turn_tokens()
            said["metadata"] = {
                "payment_options": [self._option(*one) for one in self.tokens.items()]
            }
        return said

    def _option(self, token: str, name: str) -> Fields:
        balance = {"value": rupiah(self.left), "currency": "IDR"}
        return {"name": name, "active": True, "balance": balance, "metadata": {}, "token": token}

    def notice(self, merchant_id: str, server_key: str) -> Fields:
        code = CODES[self.status]
        return {
            "account_id": self.account_id,
            "merchant_id": merchant_id,
            "payment_type": "gopay",
            "signature_key": sign(self.account_id, self.status.value, code, server_key),
            "status_code": code,
            "account_status": self.status.value,
            "status_message": NOTICES[self.status],
        }


def opened(phone: str, redirect_url: str, now: datetime) -> Account:
    balance = 0 if phone in POOR else BALANCE
    return Account(str(uuid4()), phone, redirect_url, now + LINK_LASTS, balance)
