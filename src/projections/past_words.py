"""What scripts/replay.py says of other points of the log, and of the way between two of them."""

import json

import msgspec

from ledger.money import Money
from projections.changes import BalanceChange, Changes, Move, StreamChange
from projections.past_states import AsOf, StreamState

NOTHING = "-"


def of_as_of(report: AsOf) -> list[str]:
    at = f", recorded {report.recorded_at:%Y-%m-%d %H:%M:%S}" if report.recorded_at else ""
    lines = [f"position        {report.until:,}{at}"]
    if not report.ok:
        return lines
    if report.stream:
        return [*lines, *_stream(report.stream)]
    totals = ", ".join(str(Money(minor, unit)) for unit, minor in report.totals.items())
    lines += [f"hash chain      ok to {report.until:,}", f"trial balance   {totals or 'empty'}"]
    lines += [
        f"{kind + 's':<15} {sum(statuses.values()):,}: "
        + ", ".join(f"{count:,} {status}" for status, count in statuses.items())
        for kind, statuses in report.statuses.items()
    ]
    return lines + [
        f"  {row.account:<48} {Money(row.balance_minor, row.currency)!s:>18}"
        for row in report.balances
    ]


def _stream(found: StreamState) -> list[str]:
    told = json.dumps(msgspec.to_builtins(found.state), indent=2, ensure_ascii=False)
    return [
        f"{found.kind:<15} {found.stream}, version {found.version}",
        f"status          {found.status or 'it has none'}",
        *told.splitlines(),
    ]


def of_changes(report: Changes) -> list[str]:
    span = f"behind {report.after:,} up to {report.until:,}"
    lines = [f"events          {report.events:,}, {span}"]
    if report.after_recorded_at and report.until_recorded_at:
        times = (report.after_recorded_at, report.until_recorded_at)
        lines.append(f"recorded        {' to '.join(f'{t:%Y-%m-%d %H:%M:%S}' for t in times)}")
    if not report.ok:
        return lines
    lines += [f"  {count:>10,}  {topic}" for topic, count in report.topics.items()]
    lines.append(f"streams         {report.streams:,}")
    lines += [_move(move) for move in report.moves]
    lines += [_change(change) for change in report.changed]
    if more := report.streams - len(report.changed):
        lines.append(f"  {'':>10}  and {more:,} more (--limit 0 tells all)")
    lines.append(f"balances        {len(report.balances):,} moved")
    return lines + [_balance(row) for row in report.balances]


def _move(move: Move) -> str:
    return f"  {move.streams:>10,}  {move.kind}: {move.before or NOTHING} → {move.after}"


def _change(change: StreamChange) -> str:
    way = change.after
    if change.before != change.after:
        way = f"{change.before or NOTHING} → {change.after}"
    return f"  {change.events:>10,}  {change.stream:<32} {way}".rstrip()


def _balance(row: BalanceChange) -> str:
    before, after, delta = (
        str(Money(minor, row.currency))
        for minor in (row.before_minor, row.after_minor, row.delta_minor)
    )
    return f"  {row.account:<48} {before:>18} → {after:>18} ({delta})"
