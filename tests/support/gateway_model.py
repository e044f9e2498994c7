"""A gateway in memory, behind the port: every operation, and every way in which a call of it can end.

It is the ground truth: what it holds is so, whatever its answers made us believe. Its rules are
those of the simulator (midtrans.md 1.4, 6, 7, 11); its faults those of reliability.md 5.2.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ledger.clock import Clock
from ledger.money import Money
from ledger.payments.events import Evidence, Instructions
from ledger.payments.methods import Method
from ledger.providers.midtrans.requests import honours_key
from ledger.providers.port import (
    ChargeOrder,
    ChargeStatus,
    Did,
    DidNot,
    Observation,
    ObservedRefund,
    Outcome,
)
from support.driven import Pause
from support.gateway_faults import (
    CALL_SECONDS,
    HOLD_LASTS,
    KEY_LASTS,
    KNOWN,
    LATE_BY,
    NOT_ALLOWED,
    NOWHERE,
    PAGE_METHOD,
    REFUSALS,
    SHOWN_AFTER,
    TIMEOUT,
    Fault,
    Page,
    Posted,
    Transaction,
)

S = ChargeStatus


class _Late(NamedTuple):
    at: datetime
    effect: Callable[[], object]


class GatewayModel:
    name = "Midtrans"

    def __init__(self, now: Clock, monotonic: Callable[[], float]) -> None:
        self._now = now
        self._monotonic = monotonic
        self.faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self.transactions: list[Transaction] = []
        self.pages: list[Page] = []
        self.under_way: list[_Late] = []
        self.notices: list[Posted] = []
        self.sent: Counter[str] = Counter()  # charges by order id, refunds by refund id
        self.sent_at: dict[str, float] = {}  # seconds of the monotonic clock
        self.answers: dict[str, Observation] = {}  # by the digest of the evidence
        self.refusals: dict[
            tuple[str, str], datetime
        ] = {}  # the last one of each code, by what it was about

    # ── the port ────────────────────────────────────────────────────────────────────────────────

    async def charge(self, order: ChargeOrder) -> Outcome:
        self._count(order.order_id)
        return await self._call("charge", order.order_id, lambda fault: self._charge(order, fault))

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        return await self._call("inquiry", order_id, lambda fault: self._inquire(order_id, fault))

    async def capture(self, order_id: str, transaction_id: str, amount: Money) -> Outcome:
        return await self._call(
            "capture", order_id, lambda fault: self._capture(order_id, amount, fault)
        )

    async def cancel(
        self, order_id: str, session_token: str = "", transaction_id: str = ""
    ) -> Outcome:
        return await self._call("cancel", order_id, lambda _: self._cancel(order_id, session_token))

    async def refund(
        self, order_id: str, refund_id: str, amount: Money, reason: str, transaction_id: str = ""
    ) -> Outcome:
        self._count(refund_id)
        return await self._call(
            "refund", refund_id, lambda fault: self._refund(order_id, refund_id, amount, fault)
        )

    def forge(self, order_id: str, status: ChargeStatus) -> None:
        """A genuine signature proves little (reliability.md 0.7)."""
        digest = f"notice-{len(self.notices)}"
        self.notices.append(Posted(digest, order_id, "t-forged", status))

    def _count(self, about: str) -> None:
        self.sent[about] += 1
        self.sent_at[about] = self._monotonic()

    async def _call(
        self, operation: str, about: str, effect: Callable[[Fault | None], Outcome]
    ) -> Outcome:
        """`about`: the order id or the refund id that a refusal is about."""
        began = self._monotonic()
        await Pause(f"{operation} leaves")
        fault = self._fault(operation)
        if fault is Fault.SILENT or self._is_over(began):
            return TIMEOUT
        if fault in REFUSALS:
            return self._told(about, REFUSALS[fault])
        if fault is Fault.LATE:
            self.under_way.append(_Late(self._now() + LATE_BY, lambda: effect(None)))
            return TIMEOUT
        outcome = effect(fault)
        await Pause(f"{operation} answers")
        if fault is Fault.LISTED_THEN_DENIED and isinstance(outcome, Did):
            outcome = self._strike(about)
        if fault is Fault.ANSWER_LOST or self._is_over(began):
            return TIMEOUT
        return self._told(about, outcome)

    def _fault(self, operation: str) -> Fault | None:
        waiting = self.faults[operation]
        return waiting.popleft() if waiting else None

    def _is_over(self, began: float) -> bool:
        return self._monotonic() - began > CALL_SECONDS

    def _told(self, about: str, outcome: Outcome) -> Outcome:
        if isinstance(outcome, DidNot):
            self.refusals[about, outcome.code] = self._now()
        return outcome

    # ── what it does ────────────────────────────────────────────────────────────────────────────

    def _charge(self, order: ChargeOrder, fault: Fault | None) -> Outcome:
        known = self.newest(order.order_id)
        if order.method.mapping.api == "snap":
            return KNOWN if known else self._open_page(order)
        if known and not known.frees_its_order_id:
            replayed = honours_key(order) and self._now() - known.began <= KEY_LASTS
            return self._seen(known, "charge") if replayed else KNOWN
        begun = self._begin(order, order.method, _first_status(order, fault))
        return self._seen(begun, "charge")

    def _begin(self, order: ChargeOrder, method: Method, status: ChargeStatus) -> Transaction:
        lasts = timedelta(seconds=order.expires_after_seconds or method.expiry_seconds)
        begun = Transaction(
            transaction_id=f"t-{len(self.transactions) + 1}",
            order_id=order.order_id,
            method=method,
            amount=order.amount,
            status=status,
            began=self._now(),
            expires_at=self._now() + (lasts if status is S.PENDING else HOLD_LASTS),
            capture_later=order.capture_later,
        )
        self.transactions.append(begun)
        self.announce(begun)
        return begun

    def _inquire(self, order_id: str, fault: Fault | None) -> Outcome:
        known = self.newest(order_id)
        hidden = fault is Fault.NOT_SHOWN and known and self._now() - known.began < SHOWN_AFTER
        return NOWHERE if known is None or hidden else self._seen(known, "inquiry")

    def _capture(self, order_id: str, amount: Money, fault: Fault | None) -> Outcome:
        known = self.newest(order_id)
        if known is None:
            return NOWHERE
        if known.status is not S.AUTHORISED or amount > known.amount:
            return NOT_ALLOWED
        if fault is Fault.DENIED:
            return DidNot(code="capture_denied_by_bank", words="no")
        known.amount = amount
        self.move(known, S.CAPTURED)
        return self._seen(known, "capture")

    def _cancel(self, order_id: str, token: str) -> Outcome:
        known = self.newest(order_id)
        if known is None:
            for page in self.pages:
                page.open = page.open and page.token != token
            return NOWHERE
        if known.status not in (S.PENDING, S.AUTHORISED, S.CAPTURED):
            return NOT_ALLOWED
        known.was_cancelled_pending = known.status is S.PENDING
        self.move(known, S.CANCELLED)
        return self._seen(known, "cancel")

    def _refund(self, order_id: str, refund_id: str, amount: Money, fault: Fault | None) -> Outcome:
        known = self.newest(order_id)
        if known is None:
            return NOWHERE
        if refund_id in known.refunds:
            return KNOWN
        if known.status is not S.SETTLED:
            return DidNot(code="refund_not_possible", words="not settled")
        if not 0 < amount.minor <= known.amount.minor - known.refunded:
            return DidNot(code="refund_amount_refused", words="too much")
        if fault is Fault.DENIED:
            return DidNot(code="refund_denied_by_bank", words="no")
        made = ObservedRefund(refund_id=refund_id, amount=amount, gateway_id=f"g-{refund_id}")
        known.refunds[refund_id] = made
        self.announce(known)
        return self._seen(known, "refund", only=refund_id)

    def _strike(self, refund_id: str) -> Outcome:
        for transaction in self.transactions:
            if transaction.refunds.pop(refund_id, None):
                self.refusals[refund_id, "refund_withdrawn"] = self.moment()
        return DidNot(code="refund_denied_by_bank", words="no")

    def _open_page(self, order: ChargeOrder) -> Outcome:
        lasts = timedelta(seconds=order.expires_after_seconds or order.method.expiry_seconds)
        for old in self.pages:  # a new token ends the old one (midtrans.md 7.1)
            old.open = old.open and old.order.order_id != order.order_id
        page = Page(order, f"page-{len(self.pages) + 1}", self._now() + lasts)
        self.pages.append(page)
        return self._answer(
            Observation(
                order_id=order.order_id,
                transaction_id="",
                status=S.PENDING,
                amount=order.amount,
                evidence=self._evidence("charge", order.method),
                instructions=Instructions(
                    kind="redirect", redirect_url="https://page", session_token=page.token
                ),
                expires_at=page.expires_at,
            )
        )

    def begin_on_page(self, page: Page) -> None:
        self._begin(page.order, PAGE_METHOD, S.PENDING)

    # ── what it says ────────────────────────────────────────────────────────────────────────────

    def newest(self, order_id: str) -> Transaction | None:
        found = (one for one in reversed(self.transactions) if one.order_id == order_id)
        return next(found, None)

    def _seen(self, known: Transaction, source: str, only: str = "") -> Outcome:
        """The answer to a refund lists that one alone (midtrans.md 6)."""
        pending = known.status is S.PENDING
        listed = tuple(r for r in known.refunds.values() if only in ("", r.refund_id))
        return self._answer(
            Observation(
                order_id=known.order_id,
                transaction_id=known.transaction_id,
                status=known.status,
                amount=known.amount,
                evidence=self._evidence(source, known.method),
                instructions=Instructions(kind="qr", qr_string="0002")
                if pending and source == "charge"
                else Instructions(kind="none"),
                expires_at=known.expires_at if pending else None,
                occurred_at=known.changed,
                refunds=listed,
                chargeback=known.chargeback,
            )
        )

    def _evidence(self, source: str, method: Method) -> Evidence:
        return Evidence(
            source=source,  # type: ignore[arg-type]
            digest=f"{len(self.answers) + 1:064x}",
            said={"payment_type": method.mapping.payment_type},
        )

    def _answer(self, observation: Observation) -> Did:
        self.answers[observation.evidence.digest] = observation
        return Did(observation)

    def seconds(self) -> float:
        return self._monotonic()

    def moment(self) -> datetime:
        return self._now()

    def announce(self, known: Transaction) -> None:
        self.notices.append(
            Posted(
                f"notice-{len(self.notices)}",
                known.order_id,
                known.transaction_id,
                known.status,
            )
        )

    def move(self, known: Transaction, to: ChargeStatus) -> None:
        known.status, known.changed = to, self._now()
        self.announce(known)

    # ── what time does ──────────────────────────────────────────────────────────────────────────

    def next_moment(self) -> datetime | None:
        moments = [late.at for late in self.under_way]
        moments += [t.expires_at for t in self.transactions if t.status in ENDS_BY_ITSELF]
        return min(moments, default=None)

    def pass_time(self) -> None:
        moment = self._now()
        arrived = [late for late in self.under_way if late.at <= moment]
        self.under_way = [late for late in self.under_way if late.at > moment]
        for late in arrived:
            late.effect()
        for one in self.transactions:
            if one.status in ENDS_BY_ITSELF and one.expires_at <= moment:
                self.move(one, S.EXPIRED)


ENDS_BY_ITSELF: Final = (S.PENDING, S.AUTHORISED)


def _first_status(order: ChargeOrder, fault: Fault | None) -> ChargeStatus:
    if fault is Fault.DENIED:
        return S.DENIED
    if order.method.family != "card":
        return S.PENDING
    if fault is Fault.CHALLENGED:
        return S.CHALLENGED
    return S.AUTHORISED if order.capture_later else S.CAPTURED
