"""Acts: the books balance, agree with the gateway's own book, and follow from the log."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from api.demo.answers import Attempt, Json, Payment, TrialBalance
from api.demo.notices import SCHEMA
from api.demo.scene import PRICE, Purchase, Scene
from projections.replaying import verify

# The gateway's word for a transaction, and what the attempt behind it may be called here.
HERE: Final = {
    "pending": ("pending",),
    "authorize": ("authorised",),
    "capture": ("captured",),
    "settlement": ("settled",),
    "partial_refund": ("settled",),
    "refund": ("settled",),
    "deny": ("denied", "reversed"),
    "failure": ("failed",),
    "cancel": ("cancelled",),
    "expire": ("expired",),
}
HOLDS_MONEY: Final = ("settlement", "partial_refund", "refund")
PAID: Final = ("settled", "partially_refunded", "refunded")

# What the gateway holds for us, and what it kept: together, what payers paid.
AT_GATEWAY: Final = (
    "Assets:Gateway:Midtrans:Available",
    "Liabilities:Gateway:Midtrans:Overdrawn",
    "Expenses:Gateway:MDR",
    "Expenses:Gateway:Fixed",
    "Assets:Tax:PPN-Masukan",
)


async def histories(scene: Scene) -> None:
    """What the log says of every purchase."""
    await scene.together(
        (f"the history of {one.what}", _read_history(scene, one))
        for one in (*scene.purchases, *scene.rush)
    )
    untold = [one.what for one in (*scene.purchases, *scene.rush) if not one.events]
    scene.checks.none("payments without a history", untold)


async def _read_history(scene: Scene, purchase: Purchase) -> None:
    purchase.payment = await scene.api.get(purchase.id)
    purchase.events = await scene.api.events(purchase.id)


async def gateways_book(scene: Scene) -> None:
    """The other side's truth, read last of all that moves money."""
    payments = await asyncio.gather(*map(scene.api.get, await scene.api.payment_ids()))
    scene.transactions = await scene.gateway.transactions()
    await _completeness(scene, payments)
    _agreement(scene, payments)


async def _completeness(scene: Scene, payments: Sequence[Payment]) -> None:
    paid = {payment.payment_method for payment in payments if payment.status in PAID}
    catalogue = {method.code for method in await scene.api.methods(PRICE)}
    scene.checks.none("methods of the catalogue that nobody paid by", catalogue - paid)
    reviewed = [payment.payment_id for payment in payments if payment.under_review]
    scene.checks.none("payments that a person would have to look at", reviewed)


def _agreement(scene: Scene, payments: Sequence[Payment]) -> None:
    """Every charge there belongs to one attempt here, with the same amount, status and refunds; and
    none twice.
    """
    transactions = scene.transactions
    here = {
        attempt.order_id: (payment, attempt) for payment in payments for attempt in payment.attempts
    }
    counted = Counter(one["order_id"] for one in transactions)
    surplus = sorted(counted - Counter(here.keys()))
    scene.checks.none(
        "charges at the gateway that belong to no payment, or are there twice", surplus
    )
    missing = sorted(order_id for order_id in here if order_id not in counted)
    scene.checks.none("payments that the gateway has no charge of", missing)
    known = [(one, *here[one["order_id"]]) for one in transactions if one["order_id"] in here]
    different = [words for found in known for words in _differences(*found)]
    scene.checks.none(f"{len(known)} charges: amounts, statuses and refunds that differ", different)


def _differences(there: Json, payment: Payment, attempt: Attempt) -> list[str]:
    amount = payment.captured_amount or payment.amount
    refunded = payment.refunded_amount if attempt is payment.attempt else 0
    pairs = {
        "status": (
            there["status"],
            attempt.status,
            attempt.status in HERE.get(there["status"], ()),
        ),
        "amount": (there["gross_amount"], amount, there["gross_amount"] == amount),
        "refunded": (there["refunded_amount"], refunded, there["refunded_amount"] == refunded),
    }
    return [
        f"{attempt.method} {attempt.order_id}: {name} {theirs} there, {ours} here"
        for name, (theirs, ours, same) in pairs.items()
        if not same
    ]


async def trial_balance(scene: Scene) -> None:
    books = scene.books = await scene.api.trial_balance()
    scene.checks.equal("the trial balance's total", {"IDR": 0}, books.totals)
    held = sum(
        one["gross_amount"] - one["refunded_amount"]
        for one in scene.transactions
        if one["status"] in HOLDS_MONEY
    )
    scene.checks.equal(
        "held and kept by the gateway, by its book and by ours",
        held,
        sum(map(books.balance, AT_GATEWAY)),
    )
    waiting = sum(one["gross_amount"] for one in scene.transactions if one["status"] == "capture")
    pending = books.balance("Assets:Gateway:Midtrans:Pending")
    scene.checks.equal("captured, not yet settled, by its book and by ours", waiting, pending)
    scene.checks.equal(
        "refunds owed and not yet paid", 0, books.balance("Liabilities:Refund:Payable")
    )
    _prepaid(scene, books)


def _prepaid(scene: Scene, books: TrialBalance) -> None:
    """What was paid in advance is owed as service, net of tax; all else is earned."""
    facts = [
        event.event
        for one in scene.purchases
        for event in one.events
        if event.topic == "payment.captured.v1"
    ]
    prepaid = sum(
        fact["share"]["net"]["minor"] for fact in facts if fact["sale"]["kind"] == "prepaid"
    )
    deferred = -books.balance("Liabilities:DeferredRevenue:General")
    scene.checks.equal("deferred revenue, by the facts and by the books", prepaid, deferred)
    scene.checks.holds("something was paid in advance", "more than 0", deferred, deferred > 0)


async def replay(scene: Scene) -> None:
    """The whole log again, into fresh tables, compared with the live ones."""
    report = scene.replayed = await asyncio.to_thread(verify, scene.database, SCHEMA)
    words = report.finding.words if report.finding else "nothing"
    scene.checks.equal("what the replay found wrong", "nothing", words)
    different = [name for name, same in report.equal.items() if not same]
    scene.checks.none("read models that differ after the replay", different)
    scene.checks.holds(
        "read models compared", "at least 3", len(report.equal), len(report.equal) >= 3
    )
    scene.checks.equal("the replayed books' total", {"IDR": 0}, report.totals)
