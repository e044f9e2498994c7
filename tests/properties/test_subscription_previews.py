"""Preview equals bill: what a change would cost is what it costs, and what the next period does."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, event, given
from hypothesis import strategies as st

from ledger.bills.events import BillOpened
from ledger.coupons.terms import CouponTerms
from ledger.errors import LedgerError
from ledger.plans.terms import Proration
from ledger.subscriptions import commands as c
from ledger.subscriptions import events as e
from ledger.subscriptions.billing import bill_of_change, bill_of_period
from ledger.subscriptions.deciding import decide
from ledger.subscriptions.periods import Interval, Zone
from ledger.subscriptions.preview import Preview, preview
from ledger.subscriptions.story import Story
from support.subscription_facts import ACCOUNT, CARD, Life, sold

COUPON = CouponTerms(code="JAN", percent=30, periods=3)
OFFERS = (
    sold(),
    sold(199_000, name="Max"),
    sold(39_999, name="Lite"),
    sold(quantity=7),
    sold(12_345, name="Week", interval=Interval("week")),
    sold(1_100_000, name="Year", interval=Interval("year")),
    sold(coupon=COUPON, coupon_left=3),
    sold(0, name="Free"),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
waits = st.timedeltas(timedelta(0), timedelta(days=45))


def quoted(life: Life, wanted: c.ChangeSubscription) -> Preview:
    story = Story(life.state)
    story.add(*decide(life.state, wanted))
    return preview(story, wanted.now)


def charged(bill: BillOpened | None) -> object:
    """All that the payer sees of it but when it was made."""
    if bill is None:
        return None
    return (
        bill.lines,
        bill.share,
        bill.discount,
        bill.credit,
        bill.tax_mode,
        bill.starts_at,
        bill.ends_at,
        bill.coupon,
    )


def made(life: Life, since: int) -> tuple[BillOpened | None, BillOpened | None]:
    """The bill of the change and the one of the next whole period, as time and payers bring them."""
    found: dict[bool, BillOpened] = {}
    for _ in range(450):
        state = life.state
        for fact in life.story.facts[since:]:
            if isinstance(fact, e.SubscriptionChanged) and fact.bill_id:
                found.setdefault(True, bill_of_change(state, fact))
            if isinstance(fact, e.PeriodOpened):
                found.setdefault(fact.reason == "change", bill_of_period(state, fact))
        if False in found and life.state.scheduled is None:
            return found.get(True), found[False]
        for bill in life.state.open_bills:
            life.paid(int(bill.bill_id.rpartition("_")[2]))
        if life.state.look_at is None:
            return found.get(True), found.get(False)
        since = len(life.story.facts)
        life.advanced()
    raise AssertionError("the change is never made")


@given(
    begun=moments,
    zone=st.sampled_from(("WIB", "WITA", "WIT")),
    first=st.sampled_from(OFFERS),
    second=st.sampled_from(OFFERS),
    paying=st.sampled_from((CARD, ACCOUNT)),
    mode=st.sampled_from(("prorate_now", "prorate_at_renewal", "next_period", "none")),
    before=st.lists(st.tuples(waits, st.sampled_from(OFFERS)), max_size=2),
    wait=waits,
    ahead=st.one_of(st.none(), waits),
    pause=st.timedeltas(timedelta(0), timedelta(minutes=15)),
)
def test_the_bill_that_results_equals_the_preview(
    begun: datetime,
    zone: Zone,
    first: e.Sold,
    second: e.Sold,
    paying: e.Paying,
    mode: Proration,
    before: list[tuple[timedelta, e.Sold]],
    wait: timedelta,
    ahead: timedelta | None,
    pause: timedelta,
):
    life = Life().created(first, paying, at=begun, zone=zone)
    settle(life, life.now)
    for passed, offer in before:
        settle(life, life.now + passed)
        try_to(life, change(life, offer, "prorate_now"))
        settle(life, life.now)
    settle(life, life.now + wait)
    wanted = change(life, second, mode, ahead and life.now + ahead)
    try:
        promised = quoted(life, wanted)
    except LedgerError:
        assume(False)
    assume(not promised.refusal)
    since = len(life.story.facts)
    facts = life.state.facts

    life.when(
        c.ChangeSubscription(
            now=wanted.now + pause,
            sold=second,
            mode=mode,
            at=wanted.at,
            quoted_at=wanted.now,
            facts=facts,
            quote_id="quote_1",
            payment_id=life.payment(),
        )
    )
    bill, renewal = made(life, since)

    event(f"later {promised.is_later}, bill {bool(bill)}, renewal {bool(renewal)}")
    assert charged(bill) == charged(promised.bill)
    assert charged(renewal) == charged(promised.renewal)


def change(
    life: Life, to: e.Sold, mode: Proration, at: datetime | None = None
) -> c.ChangeSubscription:
    return c.ChangeSubscription(now=life.now, sold=to, mode=mode, at=at, payment_id=life.payment())


def try_to(life: Life, command: c.ChangeSubscription) -> None:
    try:
        decide(life.state, command)
    except LedgerError:
        return
    life.when(command)


def settle(life: Life, until: datetime) -> None:
    """Time passes, and everybody pays at once."""
    for _ in range(100):
        for bill in life.state.open_bills:
            life.paid(int(bill.bill_id.rpartition("_")[2]))
        look_at = life.state.look_at
        if look_at is None or look_at > until:
            break
        life.advanced()
    life.now = max(life.now, until)
