"""What payers, banks and the hosted page's visitors do at the gateway model, as a table."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from msgspec.structs import replace

from ledger.providers.port import ChargeStatus as S
from support.gateway_faults import Page, Transaction
from support.gateway_model import GatewayModel


class Move(NamedTuple):
    name: str
    possible: Callable[[Transaction], bool]
    to: Callable[[Transaction], S]


def _to(status: S) -> Callable[[Transaction], S]:
    return lambda _: status


def _is(*statuses: S) -> Callable[[Transaction], bool]:
    return lambda one: one.status in statuses


# fmt: off
MOVES: Final = (
    Move("pays",         _is(S.PENDING),    _to(S.SETTLED)),
    Move("settles",      _is(S.CAPTURED),   _to(S.SETTLED)),
    Move("declines",     _is(S.PENDING, S.CHALLENGED), _to(S.DENIED)),
    Move("fails",        _is(S.PENDING),    _to(S.FAILED)),
    Move("approves",     _is(S.CHALLENGED), lambda t: S.AUTHORISED if t.capture_later else S.CAPTURED),
    Move("voids",        _is(S.CAPTURED),   _to(S.DENIED)),
    Move("reverses",     lambda t: t.status is S.SETTLED and t.method.reversible and not t.refunds,
                                            _to(S.DENIED)),
    Move("charges_back", lambda t: t.status is S.SETTLED and t.method.family == "card" and not t.refunds,
                                            _to(S.CHARGED_BACK)),
    Move("pays_late",    lambda t: t.status is S.EXPIRED and t.method.family != "card",
                                            _to(S.SETTLED)),
)
# fmt: on


def possible(gateway: GatewayModel) -> list[tuple[Move, Transaction]]:
    newest = [one for one in gateway.transactions if gateway.newest(one.order_id) is one]
    return [(move, one) for move in MOVES for one in newest if move.possible(one)]


def make(gateway: GatewayModel, move: Move, one: Transaction) -> None:
    if move.name == "pays_late":
        one.late = True
    if move.name == "charges_back":
        one.chargeback = one.amount
    gateway.move(one, move.to(one))


def unconfirmed(gateway: GatewayModel) -> list[tuple[Transaction, str]]:
    return [
        (one, refund_id)
        for one in gateway.transactions
        for refund_id, refund in one.refunds.items()
        if refund.confirmed_at is None
    ]


def pages(gateway: GatewayModel, now: datetime) -> list[Page]:
    """Those on which a payer can begin to pay now."""
    return [p for p in gateway.pages if p.open and p.expires_at > now and _is_free(gateway, p)]


def _is_free(gateway: GatewayModel, page: Page) -> bool:
    """After a refusal the payer may try again there, after anything else not (midtrans.md 7.4)."""
    known = gateway.newest(page.order.order_id)
    return known is None or known.status in (S.DENIED, S.FAILED)


def all_moves(gateway: GatewayModel) -> list[Callable[[], None]]:
    """Whatever a payer or a bank may do now."""
    return [
        *(partial(make, gateway, move, one) for move, one in possible(gateway)),
        *(partial(gateway.begin_on_page, page) for page in pages(gateway, gateway.moment())),
        *(partial(confirm, gateway, one, refund_id) for one, refund_id in unconfirmed(gateway)),
    ]


def confirm(gateway: GatewayModel, one: Transaction, refund_id: str) -> None:
    """The bank has paid it back: the second notice of a refund (midtrans.md 6)."""
    one.refunds[refund_id] = replace(one.refunds[refund_id], confirmed_at=gateway.moment())
    gateway.announce(one)
