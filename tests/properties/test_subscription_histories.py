"""Whatever is asked of a subscription, and whoever pays or does not: no rupiah too many, no period
twice, and time always goes on.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import add
from typing import Any, get_args

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger.coupons.terms import CouponTerms
from ledger.events import TOPICS, DomainEvent
from ledger.money import Money
from ledger.plans.terms import PlanTerms, Proration, TaxMode
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.deciding import SUBSCRIPTION
from ledger.subscriptions.folding import EFFECTS
from ledger.subscriptions.periods import Interval, Zone
from ledger.subscriptions.pricing import share
from ledger.subscriptions.proration import By, due, stretches
from ledger.subscriptions.subscription import NOTHING
from support.subscription_facts import ACCOUNT, CARD, Life, later, sold
from support.subscription_world import World

NEW_CARD = e.Paying(method="credit_card", saved_method="pm_2", fallback=("qris",))
COUPONS = (
    None,
    CouponTerms(code="HALF", percent=50, periods=1),
    CouponTerms(code="FREE", percent=100, periods=2),
    CouponTerms(code="OFF", amount=Money(15_000)),
)
INTERVALS = (
    *(Interval("month"), Interval("month", 3), Interval("quarter"), Interval("year")),
    *(Interval("week"), Interval("day"), Interval("day", 10)),
)
CODES = (
    *(("51", "retry_later"), ("54", "needs_customer"), ("41", "never")),
    ("expired", "needs_customer"),
)


def terms(tax_mode: TaxMode, by: By) -> st.SearchStrategy[PlanTerms]:
    return st.builds(
        PlanTerms,
        version=st.just(1),
        name=st.just("Plan"),
        product=st.sampled_from(("pro", "max")),
        price=st.sampled_from((0, 1, 9_999, 99_000, 250_001, 1_000_000)).map(Money),
        interval=st.sampled_from(INTERVALS),
        trial_days=st.sampled_from((0, 0, 0, 0, 0, 1, 7, 30)),
        tax_mode=st.just(tax_mode),
        dunning_policy=st.sampled_from(("standard", "gentle", "strict")),
        proration=st.sampled_from(get_args(Proration)),
        proration_by=st.just(by),
        issued_days_ahead=st.sampled_from((0, 1, 3, 30)),
    )


@st.composite
def offers(draw: st.DrawFn) -> list[e.Sold]:
    tax_mode, by = draw(st.sampled_from(get_args(TaxMode))), draw(st.sampled_from(get_args(By)))
    found = []
    for number in range(draw(st.integers(2, 4))):
        coupon = draw(st.sampled_from(COUPONS))
        found.append(
            e.Sold(
                plan_id=f"plan_{number}",
                terms=draw(terms(tax_mode, by)),
                quantity=draw(st.sampled_from((1, 1, 3))),
                coupon=coupon,
                coupon_left=coupon.periods if coupon else None,
            )
        )
    return found


# ── what can be done ────────────────────────────────────────────────────────────────────────────────────────────────

Act = Callable[[World, Sequence[e.Sold], Any], object]


def _payments(world: World) -> list[str]:
    return sorted(world.payments)


def _all_pay(world: World, _: Sequence[e.Sold], __: Any) -> None:
    for payment_id in _payments(world):
        world.pay(payment_id)


def _one_pays(world: World, _: Sequence[e.Sold], which: int) -> None:
    if known := _payments(world):
        world.pay(known[which % len(known)])


def _all_fail(world: World, _: Sequence[e.Sold], how: tuple[str, Any]) -> None:
    for payment_id in _payments(world):
        world.fail(payment_id, *how)


def _change(world: World, sold: Sequence[e.Sold], how: tuple[int, Any, timedelta | None]) -> None:
    which, mode, wait = how
    to = sold[which % len(sold)]
    if which >= len(sold) and world.state.sold:  # the next larger quantity of the same
        to = msgspec.structs.replace(world.state.sold_at(world.now), quantity=which)
    at = world.now + wait if wait is not None else None
    world.do(
        c.ChangeSubscription(now=world.now, sold=to, mode=mode, at=at, payment_id=world.payment())
    )


def _cancel(world: World, _: Sequence[e.Sold], how: tuple[timedelta | None, bool]) -> None:
    wait, credit = how
    at = world.now + wait if wait is not None else None
    world.do(c.CancelSubscription(now=world.now, at=at, reason="enough", with_credit=credit))


def _pause(world: World, _: Sequence[e.Sold], wait: timedelta | None) -> None:
    at = world.now + wait if wait is not None else None
    world.do(c.PauseSubscription(now=world.now, reason="holidays", resume_at=at))


def _acting(kind: type[c.Acting]) -> Act:
    return lambda world, _, more: world.do(
        kind(now=world.now, payment_id=world.payment(), **(more or {}))
    )


def _undo(world: World, _: Sequence[e.Sold], which: int) -> None:
    if known := sorted(world.bills):
        world.undo(known[which % len(known)])


def _refund(world: World, _: Sequence[e.Sold], how: tuple[int, int]) -> None:
    which, amount = how
    if known := sorted(world.bills):
        world.refund(known[which % len(known)], Money(amount))


def _pass(world: World, _: Sequence[e.Sold], how: tuple[timedelta, bool]) -> None:
    world.pass_time(how[0], downtime=how[1])


def _back(world: World, _: Sequence[e.Sold], span: timedelta) -> None:
    world.now -= span
    world.rest()


def _refused(world: World, _: Sequence[e.Sold], code: str) -> None:
    if world.state.look_at is not None:
        world.now = max(world.now, world.state.look_at)
        world.advance(c.Refusal(code=code, words=""))
        world.rest()


spans = st.sampled_from(
    [
        *(timedelta(0), timedelta(minutes=5), timedelta(hours=13), timedelta(days=1)),
        *(timedelta(days=d) for d in (3, 10, 28, 31, 40, 100)),
    ]
)
waits = st.one_of(st.none(), spans)
modes = st.sampled_from((None, *get_args(Proration)))
numbers = st.integers(0, 7)


PAY = (_all_pay, st.none())
PASS = (_pass, st.tuples(spans, st.sampled_from((False, False, True))))
CHANGE = (_change, st.tuples(numbers, modes, waits))
OFTEN = (*(PAY,) * 6, *(PASS,) * 6, *(CHANGE,) * 8)
SELDOM = (
    (_one_pays, numbers),
    (_all_fail, st.sampled_from(CODES)),
    (_acting(c.ChangePaying), st.sampled_from([{"paying": p} for p in (CARD, ACCOUNT, NEW_CARD)])),
    (lambda world, _, __: world.do(c.WithdrawChange(now=world.now, why="asked")), st.none()),
    (_pause, waits),
    (_acting(c.ResumeSubscription), st.none()),
    (_cancel, st.tuples(waits, st.booleans())),
    (_acting(c.ReactivateSubscription), st.none()),
    (_acting(c.BillMissed), st.none()),
    (_undo, numbers),
    (_refund, st.tuples(numbers, st.sampled_from((1, 1_000, 99_000)))),
    (_back, st.just(timedelta(hours=2))),
    (_refused, st.sampled_from(("no_method_available", "payer_field_missing"))),
)
OPS = (*OFTEN, *SELDOM)
BEGINS = st.sampled_from(
    [
        *(datetime(2026, 1, 31, 3), datetime(2028, 2, 29, 16, 59, 59), datetime(2027, 12, 31, 17)),
        *(datetime(2026, 8, 30, 15, 30), datetime(2024, 12, 30, 16), datetime(2026, 6, 1)),
    ]
)


@st.composite
def lives(draw: st.DrawFn) -> World:
    sold = draw(offers())
    world = World(draw(BEGINS).replace(tzinfo=UTC))
    first = sold[0]
    by_month = first.terms.interval.unit in ("month", "quarter", "year")
    world.do(
        c.CreateSubscription(
            now=world.now,
            subscription_id="sub_1",
            customer_id="cus_1",
            sold=first,
            paying=draw(st.sampled_from((CARD, ACCOUNT))),
            payment_id=world.payment(),
            zone=draw(st.sampled_from(get_args(Zone))),
            anchor_day=draw(st.sampled_from((None, 1, 15, 31))) if by_month else None,
        )
    )
    if draw(st.integers(0, 4)):
        _all_pay(world, sold, None)
    for _ in range(draw(st.integers(1, 25))):
        act, what = draw(st.sampled_from(OPS))
        act(world, sold, draw(what))
    return world


@settings(deadline=None)
@given(lives())
def test_any_history_keeps_the_rules_of_money_and_time(world: World) -> None:
    for code in world.refusals:
        event(f"refused: {code}")
    for kind in {type(fact).__name__ for fact in world.facts}:
        event(kind)
    event(f"ends {world.state.status}")
    periods_follow_each_other(world.facts)
    each_period_is_billed_once(world.facts)
    charges_are_what_the_prices_come_to(world)
    bills_sum_to_what_periods_cost(world)
    credit_is_what_was_given_and_used(world)
    the_kept_state_is_the_folded_one(world)


def periods_follow_each_other(facts: Sequence[DomainEvent]) -> None:
    """Each begins where the one before ends, but for where all begins anew."""
    ends: list[datetime] = []  # of the periods opened so far
    begins: datetime | None = None
    for fact in facts:
        match fact:
            case e.SubscriptionCreated():
                begins = fact.starts_at
            case e.SubscriptionResumed(anchor=datetime() as anchor):
                begins = anchor
            case e.SubscriptionReactivated(anchor=anchor):
                begins = anchor
            case e.SubscriptionChanged(restarts=True, at=at) if ends:
                begins = at
            case e.PeriodsMissed(starts_at=starts_at, ends_at=ends_at):
                assert starts_at == (begins or ends[-1])
                begins = None
                ends.append(ends_at)
            case e.PeriodOpened(reason=reason, starts_at=starts_at, ends_at=ends_at):
                assert starts_at < ends_at
                if reason != "missed":
                    assert starts_at == (begins or ends[-1])
                    begins = None
                    ends.append(ends_at)
            case e.PeriodWithdrawn(number=number):
                begins = _beginning_of(facts, number)
                ends.pop()


def _beginning_of(facts: Sequence[DomainEvent], number: int) -> datetime:
    return next(f.starts_at for f in facts if isinstance(f, e.PeriodOpened) and f.number == number)


def each_period_is_billed_once(facts: Sequence[DomainEvent]) -> None:
    """Those not counted that were withdrawn unpaid."""
    opened = Counter(fact.number for fact in facts if isinstance(fact, e.PeriodOpened))
    withdrawn = Counter(fact.number for fact in facts if isinstance(fact, e.PeriodWithdrawn))
    missed = Counter(
        number
        for fact in facts
        if isinstance(fact, e.PeriodsMissed)
        for number in range(fact.first, fact.first + fact.periods)
    )
    live = opened - withdrawn
    assert all(times == 1 for times in live.values())
    assert all(times == 1 for times in missed.values())
    assert {*live, *missed} == set(range(1, len({*live, *missed}) + 1))


def charges_are_what_the_prices_come_to(world: World) -> None:
    """Rounded once for the whole period, whatever happened in it; refunds are another matter."""
    if any(isinstance(fact, e.BillDropped | e.RefundNoted) for fact in world.facts):
        return
    for charged in world.state.charged:
        terms = charged.sold.terms
        owed = due(stretches(charged.whole, charged.changes, terms.proration_by))
        assert charged.share == share(owed, terms.tax_mode, charged.sold_on)
        assert sum(b.share.total.minor for b in charged.bills) <= charged.share.total.minor


def bills_sum_to_what_periods_cost(world: World) -> None:
    """All bills, less what was taken off them, with what is carried to the next."""
    if any(isinstance(fact, e.BillDropped) for fact in world.facts):
        return
    billed = [bill.share - bill.taken_off for bill in world.bills.values() if bill.status != "void"]
    due_again = [bill.credited for bill in world.state.open_bills]
    costs = [*world.costs.values(), *world.missed, *due_again]
    assert reduce(add, billed, world.state.carried) == reduce(add, costs, NOTHING)


def credit_is_what_was_given_and_used(world: World) -> None:
    given = Counter[str]()
    for fact in world.facts:
        match fact:
            case e.CreditGiven(amount=amount):
                given["credit"] += amount.minor
            case e.SubscriptionChanged() | e.SubscriptionCancelled():
                given["credit"] += sum(one.share.total.minor for one in fact.credited)
                if isinstance(fact, e.SubscriptionChanged):
                    given["credit"] -= fact.credit.minor
            case e.PeriodOpened(credit=credit):
                given["credit"] -= credit.minor
            case e.PeriodWithdrawn(credit=credit) | e.BillDropped(credit=credit):
                given["credit"] += credit.minor
    assert given["credit"] == world.state.credit.minor


def the_kept_state_is_the_folded_one(world: World) -> None:
    form = SUBSCRIPTION.snapshot
    assert SUBSCRIPTION.fold(world.facts) == world.state
    assert form.decode(form.encode(world.state)) == world.state


@given(
    begun=BEGINS,
    zone=st.sampled_from(get_args(Zone)),
    tax_mode=st.sampled_from(get_args(TaxMode)),
    by=st.sampled_from(get_args(By)),
    prices=st.tuples(*(st.integers(10_000, 5_000_000),) * 2),
    moments=st.tuples(*(st.integers(1, 27 * 24 * 3600),) * 2).map(sorted),
    mode=st.sampled_from(("prorate_now", "prorate_at_renewal")),
)
def test_nobody_gains_by_going_up_and_down(
    begun: datetime,
    zone: Zone,
    tax_mode: TaxMode,
    by: By,
    prices: tuple[int, int],
    moments: list[int],
    mode: Proration,
) -> None:
    about = {"tax_mode": tax_mode, "proration_by": by}
    low, high = (sold(price, name=f"P{price}", **about) for price in sorted(prices))
    if low == high:
        return
    life = Life().created(low, at=begun.replace(tzinfo=UTC), zone=zone).paid(1)
    up, down = (later(life.now, seconds=seconds) for seconds in moments)
    life.changed(high, up, mode=mode)
    if life.state.open_bills:
        life.paid(2)
    life.changed(low, down, mode=mode)

    changes = [fact for fact in life.story.facts if isinstance(fact, e.SubscriptionChanged)]
    taken = sum(fact.charge.total.minor + fact.carried.total.minor for fact in changes)
    given_back = sum(one.share.total.minor for fact in changes for one in fact.credited)
    assert taken >= given_back
    if up == down:
        assert taken == given_back


@settings(deadline=None)
@given(lives(), lives())
def test_history_is_never_refused(one: World, other: World) -> None:
    """Facts of another life, in any state: they move it somehow."""
    state = one.state
    for fact in other.facts:
        state = SUBSCRIPTION.evolve(state, fact)


def test_each_fact_has_an_effect() -> None:
    assert set(EFFECTS) == {f for topic, f in TOPICS.items() if topic.startswith("subscription.")}
