"""Control of what is no transaction: linked wallets and subscriptions. Like control_api, no key."""

from collections.abc import Iterable
from typing import Final

from starlette.routing import Route

from simulator import account_api, control_api, multi_use
from simulator.accounts import Account
from simulator.control_api import Act, NotThere, control
from simulator.gateway import Gateway
from simulator.transactions import Fields, NotPossible, Status


def accounts(gateway: Gateway, _: Fields) -> Fields:
    return {"accounts": [describe(one) for one in gateway.accounts.values()]}


def describe(account: Account) -> Fields:
    return {
        "account_id": account.account_id,
        "phone_number": account.phone,
        "account_status": account.status.value,
        "balance": account.left,
        "transaction_ids": [one.transaction_id for one in account.transactions],
    }


def find(gateway: Gateway, asked: Fields) -> Account:
    """By its id, or the latest of a phone number."""
    if "account_id" in asked:
        account = gateway.accounts.get(str(asked["account_id"]))
    else:
        phone = str(asked["phone_number"])
        account = _last(one for one in gateway.accounts.values() if one.phone == phone)
    if account is None:
        raise NotThere("There is no such account.")
    return account


def _last(found: Iterable[Account]) -> Account | None:
    return next(iter([*found][::-1]), None)


def link(gateway: Gateway, asked: Fields) -> Fields:
    account = find(gateway, asked)
    account_api.link(gateway, account)
    return {"account": describe(account)}


def unlink(gateway: Gateway, asked: Fields) -> Fields:
    account = find(gateway, asked)
    account_api.unlink(gateway, account)
    return {"account": describe(account)}


def set_balance(gateway: Gateway, asked: Fields) -> Fields:
    """What is in the wallet now, in rupiah."""
    account = find(gateway, asked)
    account.balance += int(asked["balance"]) - account.left
    return {"account": describe(account)}


def subscriptions(gateway: Gateway, _: Fields) -> Fields:
    return {"subscriptions": [one.view() for one in gateway.subscriptions.values()]}


def use_again(gateway: Gateway, asked: Fields) -> Fields:
    """Lets a virtual account be paid more than once."""
    transaction = control_api.find(gateway, asked)
    multi_use.make(gateway, transaction)
    return {"transaction": control_api.describe(gateway, transaction)}


def fail(gateway: Gateway, asked: Fields) -> Fields:
    """The bank does not answer in time."""
    transaction = control_api.find(gateway, asked)
    gateway.move(transaction, Status.FAILURE)
    return {"transaction": control_api.describe(gateway, transaction)}


def challenge(gateway: Gateway, asked: Fields) -> Fields:
    """Fraud detection wants the merchant to look at a captured card first."""
    transaction = control_api.find(gateway, asked)
    if transaction.status is not Status.CAPTURE:
        raise NotPossible(f"Only a captured card is challenged; this is {transaction.status}.")
    gateway.move(transaction, Status.CAPTURE, fraud="challenge")
    return {"transaction": control_api.describe(gateway, transaction)}


def balance(gateway: Gateway, _: Fields) -> Fields:
    return {"balance": gateway.till.balance}


def fill_till(gateway: Gateway, asked: Fields) -> Fields:
    """What the merchant can refund from, in rupiah; null is without end."""
    wanted = asked["balance"]
    gateway.till.balance = None if wanted is None else int(wanted)
    return balance(gateway, asked)


POSTED: Final[dict[str, Act]] = {
    "multi-use": use_again,
    "fail": fail,
    "challenge": challenge,
    "balance": fill_till,
    "accounts/link": link,
    "accounts/unlink": unlink,
    "accounts/balance": set_balance,
}
READ: Final[dict[str, Act]] = {
    "balance": balance,
    "accounts": accounts,
    "subscriptions": subscriptions,
}
routes: Final = [
    *(Route(f"/_control/{name}", control(act), methods=["POST"]) for name, act in POSTED.items()),
    *(Route(f"/_control/{name}", control(act), methods=["GET"]) for name, act in READ.items()),
]
