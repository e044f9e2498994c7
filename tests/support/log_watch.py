"""What must hold of every append, judged against what the gateway model really said and holds."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from ledger.events import DomainEvent, Recorded
from ledger.identity import order_id, payment_of
from ledger.journal.events import EntryPosted
from ledger.journal.posting_rules import consequence
from ledger.payments import events as e
from ledger.payments.deciding import PAYMENT
from ledger.payments.payment import Payment
from ledger.payments.service import STALE_SENDER_SECONDS
from ledger.providers.port import NEVER_SEEN
from ledger.providers.port import ChargeStatus as S
from support.gateway_faults import LIVE
from support.gateway_model import GatewayModel

# Which words of the gateway a fact may rest on.
PROOF: Final[dict[type[DomainEvent], frozenset[S]]] = {
    e.ChargePending: frozenset({S.PENDING}),
    e.ChargeChallenged: frozenset({S.CHALLENGED}),
    e.ChargeAuthorised: frozenset({S.AUTHORISED}),
    e.PaymentCaptured: frozenset({S.CAPTURED, S.SETTLED, S.CHARGED_BACK}),
    e.PaymentSettled: frozenset({S.SETTLED, S.CHARGED_BACK}),
    e.ChargeDenied: frozenset({S.DENIED}),
    e.ChargeExpired: frozenset({S.EXPIRED}),
    e.ChargeCancelled: frozenset({S.CANCELLED}),
    e.SettlementReversed: frozenset({S.DENIED}),
    e.LatePaymentReceived: frozenset({S.CAPTURED, S.SETTLED}),
    e.ChargebackReceived: frozenset({S.CHARGED_BACK}),
}
OF_OUR_OWN: Final = ("not_sent", "charged_back")  # nothing left us, so there is nothing to prove


class LogWatch:
    """Reads every append as it is committed; `faults` are violations, in words."""

    def __init__(self, gateway: GatewayModel, lost_after: timedelta) -> None:
        self.faults: list[str] = []
        self.payments: dict[str, Payment] = {}
        self.books: Counter[str] = Counter()
        self.dispatched: Counter[str] = Counter()  # by order id or refund id
        self._sent_at: dict[str, datetime] = {}
        self._won_at: dict[str, float] = {}
        self._in_doubt: set[str] = set()
        self._gateway = gateway
        self._lost_after = lost_after

    def read(self, batch: Sequence[Recorded[DomainEvent]]) -> None:
        for stream, records in groupby(batch, key=lambda recorded: recorded.stream):
            self._read(stream, [recorded.event for recorded in records])

    def _read(self, stream: str, facts: Sequence[DomainEvent]) -> None:
        moved = [fact for fact in facts if not isinstance(fact, EntryPosted)]
        if facts != [one for fact in moved for one in (fact, *consequence(fact))]:
            self._blame("a movement of money without its entries", facts)
        for fact in facts:
            if isinstance(fact, EntryPosted):
                self._book(fact)
            else:
                self._prove(stream, fact)
        before = self.payments.get(stream, Payment())
        self.payments[stream] = PAYMENT.fold(moved, before)

    def check(self) -> None:
        """What must hold at any moment."""
        sent = self._gateway.sent
        unasked = {about for about, times in sent.items() if times > self.dispatched[about]}
        live: defaultdict[str, list[str]] = defaultdict(list)
        for one in self._gateway.transactions:
            place = payment_of(one.order_id)
            if place is None or one.order_id not in self.dispatched:
                self._blame("a charge without an intent", one.order_id)
            elif one.status in LIVE and not one.late:
                live[place[0]].append(one.transaction_id)
            if one.refunded > one.amount.minor:
                self._blame("more refunded than captured", one.order_id)
        for about, at in self._gateway.sent_at.items():
            if at - self._won_at.get(about, at) > STALE_SENDER_SECONDS:
                self._blame("sent long after winning the right to", about)
        if unasked:
            self._blame("sent without having won the right to", unasked)
        if twice := {payment: many for payment, many in live.items() if len(many) > 1}:
            self._blame("charged twice", twice)

    def _book(self, entry: EntryPosted) -> None:
        if sum(leg.amount.minor for leg in entry.legs):
            self._blame("an entry that does not balance", entry)
        for leg in entry.legs:
            self.books[leg.account] += leg.amount.minor

    def _prove(self, stream: str, fact: DomainEvent) -> None:
        match fact:
            case e.ChargeDispatched(attempt=attempt):
                self._dispatched(order_id(stream, attempt), fact)
            case e.RefundDispatched(refund_id=about):
                self._dispatched(about, fact, shown_by=self._order_of(stream))
            case e.ChargeOutcomeUnknown(attempt=attempt):
                self._in_doubt.add(order_id(stream, attempt))
            case e.RefundOutcomeUnknown(refund_id=about):
                self._in_doubt.add(about)
            case e.ChargeFailed(code=code) | e.ChargeRetryScheduled(cause=code):
                self._refused(order_id(stream, fact.attempt), code, S.FAILED)
            case e.RefundFailed(code=code) | e.RefundRetryScheduled(cause=code):
                self._refused(fact.refund_id, code)
            case e.PaymentAbandoned(attempt=attempt):
                self._nothing_there(order_id(stream, attempt), fact)
            case e.RefundAccepted(refund_id=about) | e.RefundConfirmed(refund_id=about):
                self._listed(about, fact)
            case _ if type(fact) in PROOF:
                self._said(order_id(stream, fact.attempt) if hasattr(fact, "attempt") else "", fact)

    def _order_of(self, stream: str) -> str:
        return self.payments[stream].attempt.order_id

    def _dispatched(self, about: str, fact: Any, shown_by: str = "") -> None:
        """What was sent and is in doubt goes again only after the gateway said that it has not seen it."""
        if about in self._in_doubt:
            lost_at = self._sent_at[about] + self._lost_after
            if fact.occurred_at < lost_at:
                self._blame("sent again while the first sending may be on its way", fact)
            if not shown_by and self._told(about, NEVER_SEEN) < self._sent_at[about]:
                self._blame("sent again without asking", fact)
            self._in_doubt.discard(about)
        self.dispatched[about] += 1
        self._won_at[about] = self._gateway.seconds()
        self._sent_at[about] = fact.occurred_at

    def _told(self, about: str, code: str) -> datetime:
        never = datetime.min.replace(tzinfo=self._sent_at[about].tzinfo)
        return self._gateway.refusals.get((about, code), never)

    def _refused(self, about: str, code: str, status: S | None = None) -> None:
        self._in_doubt.discard(about)
        said = (about, code) in self._gateway.refusals or code in OF_OUR_OWN
        seen = any(
            a.order_id == about and a.status is status for a in self._gateway.answers.values()
        )
        if not said and not seen:
            self._blame("a refusal that nobody gave", (about, code))

    def _nothing_there(self, about: str, fact: DomainEvent) -> None:
        held = self._gateway.newest(about)
        told_at = self._gateway.refusals.get((about, NEVER_SEEN))
        if held and (told_at is None or held.began < told_at):
            self._blame("given up, and the gateway has it", fact)

    def _listed(self, refund_id: str, fact: Any) -> None:
        answer = self._gateway.answers.get(fact.evidence.digest)
        listed = {refund.refund_id: refund for refund in answer.refunds} if answer else {}
        refund = listed.get(refund_id)
        confirms = isinstance(fact, e.RefundConfirmed)
        if refund is None or (confirms and refund.confirmed_at is None):
            self._blame("a refund that the gateway did not show", fact)
        self._in_doubt.discard(refund_id)

    def _said(self, about: str, fact: Any) -> None:
        self._in_doubt.discard(about)
        digest = fact.evidence.digest
        if not digest:
            return self._page_is_over(about, fact)
        answer = self._gateway.answers.get(digest)
        if answer is None or answer.status not in PROOF[type(fact)]:
            self._blame("a fact that no answer of the gateway shows", fact)
        elif about not in ("", answer.order_id):
            self._blame("a fact about another order", fact)
        return None

    def _page_is_over(self, about: str, fact: Any) -> None:
        """Of a hosted page nobody has begun to pay on, only the silence is known."""
        shown = [p for p in self._gateway.pages if p.order.order_id == about]
        in_use = self._gateway.newest(about)
        if not shown or in_use:
            self._blame("no page, or one in use, is taken for over", fact)

    def _blame(self, words: str, what: object) -> None:
        self.faults.append(f"{words}: {what!r}")
