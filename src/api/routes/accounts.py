"""The books: accounts with their balances, the postings behind each, and the trial balance."""

from collections import Counter
from datetime import date
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Path

from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.routes.parts import MayReadAccounts, Wired, as_of, cut
from api.strict_json import StrictRoute
from api.two_times import (
    AsOf,
    EffectiveFrom,
    EffectiveOn,
    EffectiveTo,
    KnownAt,
    RecordedFrom,
    RecordedTo,
    one_point,
)
from api.views import (
    AccountView,
    BalancePage,
    BalanceView,
    FreshnessView,
    PostingPage,
    PostingView,
    StandingView,
    TrialBalance,
)
from api.wiring import Wiring
from ledger.eventstore.past import Point
from ledger.identity import BILL, PAYMENT
from ledger.journal import chart
from projections import balances, journal, points, standings

router = APIRouter(prefix="/api/v1", tags=["books"], route_class=StrictRoute)

Account = Annotated[
    str, Path(max_length=120, description="As `Assets:Gateway:Midtrans:Available`.")
]


@router.get("/accounts", response_model=BalancePage)
async def list_accounts(
    caller: MayReadAccounts,
    wired: Wired,
    effective_on: EffectiveOn = None,
    known_at: KnownAt = None,
    moment: AsOf = None,
) -> BalancePage:
    found = await _standing(wired, None, effective_on, one_point(known_at, moment))
    return BalancePage(accounts=found.balances, **dict(found.view))


@router.get("/trial-balance", response_model=TrialBalance)
async def trial_balance(
    caller: MayReadAccounts,
    wired: Wired,
    effective_on: EffectiveOn = None,
    known_at: KnownAt = None,
    moment: AsOf = None,
) -> TrialBalance:
    """All balances; each currency's total is zero."""
    found = await _standing(wired, None, effective_on, one_point(known_at, moment))
    totals: Counter[str] = Counter()
    for one in found.balances:
        totals[one.currency] += one.balance
    return TrialBalance(accounts=found.balances, totals=totals, **dict(found.view))


@router.get("/accounts/{account}", response_model=AccountView)
async def get_account(
    account: Account,
    caller: MayReadAccounts,
    wired: Wired,
    effective_on: EffectiveOn = None,
    known_at: KnownAt = None,
    moment: AsOf = None,
) -> AccountView:
    """What it holds; or held for a business day, as known at a point of the log."""
    label = chart.label(account)
    found = await _standing(wired, account, effective_on, one_point(known_at, moment))
    return AccountView(account=account, label=label, balances=found.balances, **dict(found.view))


@router.get("/accounts/{account}/entries", response_model=PostingPage)
async def list_entries(
    account: Account,
    caller: MayReadAccounts,
    wired: Wired,
    effective_from: EffectiveFrom = None,
    effective_to: EffectiveTo = None,
    recorded_from: RecordedFrom = None,
    recorded_to: RecordedTo = None,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> PostingPage:
    """Newest first; each posting names its payment or bill, and its place in the log."""
    chart.resolve(account)
    times = _times(
        effective_from=effective_from,
        effective_to=effective_to,
        recorded_from=recorded_from,
        recorded_to=recorded_to,
    )
    narrowed = times != journal.WHENEVER
    listing = f"entries {account} {times!r}" if narrowed else f"entries {account}"
    after = wired.cursors.read(listing, cursor, tuple[int, int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await journal.entries_of(conn, account, after, size + 1, times), size)
    last = rows[-1] if more else None
    return PostingPage(
        account=account,
        entries=[_posting(row) for row in rows],
        next_cursor=last and wired.cursors.write(listing, (last["position"], last["leg"])),
        as_of=fresh,
    )


class _Asked(StandingView):
    as_of: FreshnessView


class _Standing(NamedTuple):
    balances: list[BalanceView]
    view: _Asked


async def _standing(
    wired: Wiring, account: str | None, effective_on: date | None, point: Point | None
) -> _Standing:
    """Of one account or of all. Raises PositionNotReached, ReadModelsBehind."""
    async with wired.readers.connection() as conn:
        if effective_on is None and point is None:
            fresh, position = await as_of(conn), None
            rows = await (
                balances.account(conn, account) if account else balances.trial_balance(conn)
            )
        else:
            position = await points.known_by(conn, point)
            fresh = await as_of(conn)
            rows = await (
                standings.account(conn, account, effective_on, position)
                if account
                else standings.trial_balance(conn, effective_on, position)
            )
    view = _Asked(effective_on=effective_on, position=position, as_of=fresh)
    return _Standing([_balance(row) for row in rows], view)


def _times(**asked: Any) -> journal.Times:
    return journal.WHENEVER._replace(**{name: at for name, at in asked.items() if at is not None})


def _balance(row: dict[str, Any]) -> BalanceView:
    return BalanceView(
        account=row["account"],
        currency=row["currency"],
        balance=row["balance_minor"],
        debit=row["debit_minor"],
        credit=row["credit_minor"],
        label=chart.label(row["account"]),
    )


def _posting(row: dict[str, Any]) -> PostingView:
    return PostingView(
        entry_id=row["entry_id"],
        position=row["position"],
        rule=row["rule"],
        words=row["words"],
        effective_on=row["effective_on"].isoformat(),
        original_on=row["original_on"] and row["original_on"].isoformat(),
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        amount=row["minor"],
        currency=row["currency"],
        payment_id=_if_begins(row["stream"], PAYMENT),
        bill_id=_if_begins(row["stream"], BILL),
    )


def _if_begins(stream: str, prefix: str) -> str | None:
    return stream if stream.startswith(f"{prefix}_") else None
