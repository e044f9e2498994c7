"""The books: accounts with their balances, the postings behind each, and the trial balance."""

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.pagination import DEFAULT_SIZE, PageCursor, PageSize
from api.routes.parts import MayReadAccounts, Wired, as_of, cut
from api.strict_json import StrictRoute
from api.views import BalancePage, BalanceView, PostingPage, PostingView, TrialBalance
from ledger.identity import BILL, PAYMENT
from ledger.journal import chart
from projections import balances, journal

router = APIRouter(prefix="/api/v1", tags=["books"], route_class=StrictRoute)

Account = Annotated[
    str, Path(max_length=120, description="As `Assets:Gateway:Midtrans:Available`.")
]


@router.get("/accounts", response_model=BalancePage)
async def list_accounts(caller: MayReadAccounts, wired: Wired) -> BalancePage:
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows = await balances.trial_balance(conn)
    return BalancePage(accounts=[_balance(row) for row in rows], as_of=fresh)


@router.get("/trial-balance", response_model=TrialBalance)
async def trial_balance(caller: MayReadAccounts, wired: Wired) -> TrialBalance:
    """All balances; each currency's total is zero."""
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows = await balances.trial_balance(conn)
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["currency"]] += row["balance_minor"]
    return TrialBalance(accounts=[_balance(row) for row in rows], totals=totals, as_of=fresh)


@router.get("/accounts/{account}/entries", response_model=PostingPage)
async def list_entries(
    account: Account,
    caller: MayReadAccounts,
    wired: Wired,
    size: PageSize = DEFAULT_SIZE,
    cursor: PageCursor = None,
) -> PostingPage:
    """Newest first; each posting names its payment or bill, and its place in the log."""
    chart.resolve(account)
    listing = f"entries {account}"
    after = wired.cursors.read(listing, cursor, tuple[int, int]) if cursor else None
    async with wired.readers.connection() as conn:
        fresh = await as_of(conn)
        rows, more = cut(await journal.entries_of(conn, account, after, size + 1), size)
    last = rows[-1] if more else None
    return PostingPage(
        account=account,
        entries=[_posting(row) for row in rows],
        next_cursor=last and wired.cursors.write(listing, (last["position"], last["leg"])),
        as_of=fresh,
    )


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
        amount=row["minor"],
        currency=row["currency"],
        payment_id=_if_begins(row["stream"], PAYMENT),
        bill_id=_if_begins(row["stream"], BILL),
    )


def _if_begins(stream: str, prefix: str) -> str | None:
    return stream if stream.startswith(f"{prefix}_") else None
