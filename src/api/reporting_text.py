"""The words of docs/reporting.md, without its tables (reporting_docs.py)."""

from typing import Final

TEXT: Final = """\
# Reporting

This file is written by `api/reporting_docs.py` from the comments in `src/projections/reporting`.

A reporting job reads documented views: by SQL, or over HTTP as JSON, CSV or Parquet. Both give the same
rows with the same columns. Views may get further columns at their end; what is there keeps its name, type
and meaning. No view has anything personal in it: no name, address, token or free text of a payer, and
neither the merchant's `metadata`, of which only `orderId` is shown.

[subscriptions-reporting.md](subscriptions-reporting.md) defines the figures of recurring revenue;
[decision 25](decisions/0025-reports-as-of-a-position.md) says why reports are as they are.

## As of one position

Every answer is as of one position of the log, and says which: `as_of_position` in each row of a view,
`position` in JSON, the header `Bukubesar-Position` with every format. It shows all events up to there and
none after. Positions only grow, every command's events are in the log when it is answered, and lists and
events carry positions, too (`asOf.head`, `position`).

Read models are kept in two groups, each with a position of its own, mostly the newest:

| group | views | |
|---|---|---|
| `money` | {money} | rows know their position: they can be read as of any earlier position, too |
| `views` | {views} | show how things stand; of these only {exact} can be read as of an earlier position |

## By SQL

The views are in the schema `<log>_reporting` (`bukubesar_reporting`, unless
`BUKUBESAR_DATABASE_SCHEMA` says otherwise) of the ledger's database. The role of the same name reads
them, and nothing else in it. It cannot log in: give it to whoever may.

```sql
create role finance login password '…' in role bukubesar_reporting;
alter role finance set default_transaction_read_only = on;
alter role finance set search_path = bukubesar_reporting;
```
```sql
select created_on, count(*), sum(captured_minor), max(as_of_position)
from payments
where created_on between '2026-11-01' and '2026-11-30'
group by created_on order by created_on;
```

A statement sees one instant. Several see the same one in a transaction that begins like this; to lock the
views first matters, because a snapshot that is older than a rebuild of read models would see their
tables empty:

```sql
begin isolation level repeatable read, read only;
lock table freshness, payments, entries in access share mode;
select * from freshness;                      -- go on if `is_whole`, none is parked, and `money` is not behind `views`
set local bukubesar.as_of_position = 48211;   -- the position of `views`: journal, balances and fees as of there
…
commit;
```

Whoever reads keeps rebuilt tables from taking the place of the old ones, and old rows from being cleared
away: commit soon.

## Over HTTP

    GET /api/v1/reports/payments?from=2026-11-01&to=2026-11-30&format=parquet

needs the permission `reports:read` (roles `reporting`, `auditor`, `operator` and `admin`).

| parameter | what it does |
|---|---|
| `from`, `to` | days in Jakarta, both included, of the column that is named at each view below; without them, \
everything |
| `format` | `json`, `csv` or `parquet`; otherwise what `Accept` likes best (`application/json`, `text/csv`, \
`application/vnd.apache.parquet`) |
| `minPosition` | the position is this one or a later one |
| `asOf` | the position is exactly this one |

Rows are sent while they are read, all in one snapshot, ordered as named at each view. An answer that breaks
off is incomplete, and shows it: the connection is cut, JSON lacks its `count`, Parquet its end. Four reports at
once are read by each process, for ten minutes at the longest; more are answered 503 with `Retry-After`.

In CSV the first line names the columns, nothing stands for null, and a text that a spreadsheet would
calculate begins with an apostrophe. In Parquet, amounts are `int64`, days `date32`, moments `timestamp[us, UTC]`;
each column's description is with it, and the metadata `bukubesar` has what stands before the rows in JSON.

A position that the read models have not reached is waited for, two seconds at most. What cannot be given is
answered 409, and never with something older or newer:

| code | when | what to do |
|---|---|---|
| `read_models_behind` | they are not there yet, or stand in the middle of what was appended together | ask \
again; if it lasts, `GET /ready` says why |
| `report_incomplete` | an event could not be applied to the read models, and its stream was put aside | \
an operator resumes them ([operating.md](operating.md)) |
| `position_not_reached` | the log itself is not there | look where the position is from |
| `report_position_passed` | `asOf` of a view that shows how things stand, and they have gone on | ask without \
it, and take the position that the answer names |

## Reconciling two reports

Best in one request: all of them, or those in `names`, as files of one ZIP archive, with one position. Its
first file, `reports.json`, has `position`, `asOf` and the range.

    GET /api/v1/reports?names=payments,refunds,entries,balances&format=parquet

Or one after the other: first a view that shows how things stand, then others as of the position that it
names.

```sh
get() {{ curl --silent --fail --remote-header-name --remote-name --dump-header head.txt \\
  -H "$AUTH" "$API/api/v1/reports/$1"; }}
get 'payments?format=parquet'
position=$(sed -n 's/^bukubesar-position: \\([0-9]*\\).*/\\1/p' head.txt)
get "entries?format=parquet&asOf=$position"
get "balances?format=parquet&asOf=$position"
```

These hold then, to the rupiah:

| sum | equals |
|---|---|
| `entries.amount_minor` by account | the last `balances.balance_minor` of the account, and `GET \
/api/v1/trial-balance?asOf=…` |
| `entries.amount_minor` of everything | 0 |
| `payments.refunded_minor` | `refunds.of_payment_minor` by payment |
| `payments.fee_minor`, less `refunds.fee_returned_minor` and `fee_tax_returned_minor` | `fees.total_minor` by \
payment, but for late money and chargebacks |
| `bills.unearned_minor` by product | the balance of `Liabilities:DeferredRevenue:…`, without its sign, where \
only subscriptions are sold in advance |

Two requests for views that show how things stand cannot always be answered as of the same position: ask
for them together, or read them in one transaction by SQL. Each row names the position of the newest event
of what it shows: rows at or before the earlier of two positions are the same in both.

## Units

| unit | |
|---|---|
{units}
## Views
{sections}"""
