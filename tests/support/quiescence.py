"""Faults off, and everything driven until nothing is due: then ours and the gateway's must agree."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ledger.identity import order_id
from ledger.journal.accounts import DISPUTED, PENDING, REFUND_PAYABLE, UNAPPLIED
from ledger.payments.life import LIVE, RefundStatus, Status
from ledger.payments.payment import Attempt, Payment
from ledger.providers.port import NEVER_SEEN
from ledger.providers.port import ChargeStatus as S
from support import bank_moves
from support.below_process import World
from support.gateway_faults import Transaction

ROUNDS: Final = 300  # of work; a payment takes some ten

NEVER_THERE: Final = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED, Status.DENIED})

# What ours may be when the gateway's is so, of the attempt that was made last.
AGREE: Final[dict[S, frozenset[Status]]] = {
    S.SETTLED: frozenset({Status.SETTLED}),
    S.DENIED: frozenset({Status.DENIED, Status.REVERSED}),
    S.FAILED: frozenset({Status.FAILED}),
    S.CANCELLED: NEVER_THERE,  # what came after we had given it up is cancelled
    S.EXPIRED: frozenset({Status.EXPIRED}),
    S.CHARGED_BACK: frozenset({Status.CHARGED_BACK}),
}


def settle(world: World) -> None:
    """Every client repeats what it got no answer to, banks do what they put off, every other payer
    pays, time passes.
    """
    world.store_faults.clear()
    for waiting in world.gateway.faults.values():
        waiting.clear()
    world.finish()
    for client in world.clients:
        if not client.results and not client.refusals:
            world.ask(client, 0)
            world.finish()
    for _ in range(ROUNDS):
        _banks_move(world)
        _hear(world)
        if world.work(0, 1_000):
            world.finish()
            continue
        moment = _next_moment(world)
        if moment is None:
            return
        world.pass_time(max(0.0, (moment - world.now()).total_seconds()))
    world.faults.append(f"never at rest: {sorted(world.due.rows)}")


def be_paid(world: World) -> None:
    """What is under way, followed on a calm day to where the money is ours."""
    world.finish()
    for page in bank_moves.pages(world.gateway, world.now()):
        world.gateway.begin_on_page(page)
    for move, one in bank_moves.possible(world.gateway):
        if move.name in ("pays", "settles"):
            bank_moves.make(world.gateway, move, one)
    _hear(world)
    world.work(0, 1_000)
    world.finish()


def _hear(world: World) -> None:
    for posted in world.gateway.notices:
        world.inbox.receive(posted)


def _next_moment(world: World) -> datetime | None:
    """When something is to be done, by us or by the gateway."""
    moments = (world.claims.next_moment(), world.inbox.next_moment(), world.gateway.next_moment())
    return min((moment for moment in moments if moment), default=None)


def _banks_move(world: World) -> None:
    for move, one in bank_moves.possible(world.gateway):
        pays = move.name == "pays" and world.gateway.transactions.index(one) % 2 == 0
        if (pays or move.name in ("settles", "approves")) and move.possible(one):
            bank_moves.make(world.gateway, move, one)
    for one, refund_id in bank_moves.unconfirmed(world.gateway):
        bank_moves.confirm(world.gateway, one, refund_id)


def disagreements(world: World) -> Iterator[str]:
    for payment_id, payment in world.watch.payments.items():
        if payment.review:
            if not _is_irregular(world, payment_id, payment):
                yield f"{payment_id} waits for a person, who has nothing to decide: {payment.review}"
            continue
        if payment.status in LIVE:
            yield f"{payment_id} waits for us only: {payment.status}"
        for attempt in payment.attempts:
            about = order_id(payment_id, attempt.number)
            yield from _compare(
                payment, attempt, world.gateway.newest(about), _agreed(world, about)
            )
        yield from _refunds(world, payment)
    yield from _lost(world)
    if not any(payment.review for payment in world.watch.payments.values()):
        yield from _books(world)


def _agreed(world: World, about: str) -> frozenset[Status]:
    """What ours may be as well: a page on which a payer began, and failed, just as we gave it up."""
    held = world.gateway.newest(about)
    told_at = world.gateway.refusals.get((about, NEVER_SEEN))
    came_after = held is not None and told_at is not None and held.began >= told_at
    without_money = held is not None and held.status in (S.DENIED, S.FAILED, S.EXPIRED)
    return NEVER_THERE if came_after and without_money else frozenset()


def _compare(
    payment: Payment, attempt: Attempt, held: Transaction | None, also: frozenset[Status]
) -> Iterator[str]:
    ours = payment.status if attempt is payment.attempt else attempt.status
    if held is None:
        if ours not in NEVER_THERE:
            yield f"{attempt.order_id} is {ours} for us, and the gateway does not have it"
    elif (held.late or attempt.late) and ours is not Status.SETTLED:
        if held.status is S.SETTLED and not attempt.late:
            yield f"{attempt.order_id} was paid late, and we do not know"
    elif ours not in AGREE[held.status] | also:
        yield f"{attempt.order_id} is {ours} for us, {held.status} at the gateway"
    elif held.status is S.SETTLED and payment.settled and payment.settled.amount != held.amount:
        yield f"{attempt.order_id}: {payment.settled.amount} for us, {held.amount} at the gateway"


def _refunds(world: World, payment: Payment) -> Iterator[str]:
    held = [world.gateway.newest(attempt.order_id) for attempt in payment.attempts]
    theirs = {key: refund.amount for one in held if one for key, refund in one.refunds.items()}
    standing = (RefundStatus.ACCEPTED, RefundStatus.CONFIRMED)
    ours = {r.refund_id: r.amount for r in payment.refunds if r.status in standing}
    if ours != theirs:
        yield f"refunds {ours} for us, {theirs} at the gateway"
    for refund in payment.refunds:
        if refund.status not in (RefundStatus.CONFIRMED, RefundStatus.FAILED):
            yield f"refund {refund.refund_id} waits for us only: {refund.status}"


def _lost(world: World) -> Iterator[str]:
    for client in world.clients:
        if not client.results and not client.refusals:
            yield f"{client.key} never got an answer"


def _books(world: World) -> Iterator[str]:
    books, held = world.watch.books, world.gateway.transactions
    if sum(books.values()):
        yield f"the books do not balance: {books}"
    late = [
        attempt
        for payment in world.watch.payments.values()
        for attempt in payment.attempts
        if attempt.late and not attempt.returned
    ]
    expected = {
        PENDING: sum(one.late.amount.minor for one in late if one.late and not one.late_settled),
        UNAPPLIED: -sum(one.late.amount.minor for one in late if one.late),
        REFUND_PAYABLE: 0,
        DISPUTED: sum(t.amount.minor for t in held if t.status is S.CHARGED_BACK),
    }
    for account, minor in expected.items():
        if books[account] != minor:
            yield f"{account} is {books[account]}, and should be {minor}"


def _is_irregular(world: World, payment_id: str, payment: Payment) -> bool:
    """Only a person can judge it: the bank took back what was being refunded, or was paid late."""
    held = [world.gateway.newest(attempt.order_id) for attempt in payment.attempts]
    taken_back = any(one and one.status in (S.CHARGED_BACK, S.DENIED) for one in held)
    return taken_back and bool(payment.refunds or any(one and one.late for one in held))
