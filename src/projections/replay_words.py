"""What scripts/replay.py says: reports in words."""

from ledger.money import Money
from projections.auditing import Finding
from projections.exporting import Export
from projections.replaying import Report
from projections.stream_reading import StreamReport
from projections.verifying import LogReport


def of(report: Report | StreamReport | LogReport) -> list[str]:
    match report:
        case Report():
            return of_report(report)
        case LogReport():
            return of_log(report)
        case StreamReport():
            return of_stream(report)


def of_report(report: Report) -> list[str]:
    rate = report.events / report.seconds if report.seconds else 0
    lines = [f"events          {report.events:,} in {report.seconds:.1f} s ({rate:,.0f} a second)"]
    if report.streams is not None:
        lines.append(f"streams         {report.streams:,}")
    if report.entries is not None:
        lines.append(f"entries         {report.entries:,}")
    if report.finding is None or report.equal:
        if report.totals is not None:
            totals = [str(Money(minor, currency)) for currency, minor in report.totals.items()]
            lines.append(f"trial balance   {', '.join(totals) or 'empty'}")
        if report.chain:
            lines.append(f"hash chain      ok to {report.until:,}")
    lines += [
        f"{name:<15} {'equal' if same else 'DIFFERENT'}" for name, same in report.equal.items()
    ]
    lines += [
        f"behind          {group}: compared at {position:,}, does a worker run?"
        for group, position in report.behind.items()
    ]
    lines += [_balance(row) for row in report.balances]
    if report.equal:
        lines.append(f"differences     {sum(not same for same in report.equal.values())}")
    return lines + (of_finding(report.finding) if report.finding else [])


def of_log(report: LogReport) -> list[str]:
    rate = report.events / report.seconds if report.seconds else 0
    lines = [f"events          {report.events:,} in {report.seconds:.1f} s ({rate:,.0f} a second)"]
    lines += [f"streams         {report.streams:,}", f"entries         {report.entries:,}"]
    if report.ok:
        lines.append(f"hash chain      ok to {report.until:,}")
    since = report.until - report.sealed
    told = f"{report.seals:,}, over the first {report.sealed:,} events; {since:,} since"
    lines.append(f"seals           {told}" if report.seals else "seals           none")
    lines += [f"  key           {key}" for key in report.keys]
    lines += [f"  {'':<14}{words}" for words in _doubts(report)]
    return [*lines, *of_finding(report.finding)] if report.finding else lines


def _doubts(report: LogReport) -> list[str]:
    """What the verifier has to see to."""
    doubts = []
    if report.seals and not report.keys_trusted:
        doubts.append("The seals name this key themselves: compare it, or give yours with --key.")
    if report.seals and not report.seals_kept_outside:
        doubts.append("These are the database's own seals: give those kept outside with --seals.")
    return doubts


def of_export(done: Export) -> str:
    rate = done.events / done.seconds if done.seconds else 0
    told = f"{done.events:,} events from {done.after + 1} to {done.until}, {done.format}"
    return f"{told}, in {done.seconds:.1f} s ({rate:,.0f} a second)"


def of_stream(report: StreamReport) -> list[str]:
    lines = []
    for event in report.events:
        when = f"{event.occurred_at:%Y-%m-%d %H:%M:%S}"
        lines.append(f"{event.position:>10}  {event.version:>4}  {event.topic:<34} {when}")
        lines += [
            f"{'':>18}{account:<44} {Money(minor, unit)!s:>18}"
            for account, minor, unit in event.legs
        ]
    links = f"links           {len(report.events)} ok"
    return [*lines, *(of_finding(report.finding) if report.finding else [links])]


def of_finding(finding: Finding) -> list[str]:
    lines = [f"WRONG           {finding.words}"]
    if finding.stream:
        place = f"{finding.position}, stream {finding.stream}, version {finding.version}, {finding.topic}"
        lines.append(f"  at position   {place}")
    elif finding.position:
        lines.append(f"  at position   {finding.position}")
    if finding.key:
        lines += [f"  row           {finding.table} {finding.key}"]
    if finding.live or finding.replayed:
        lines += [f"  live          {finding.live or 'no such row'}"]
        lines += [f"  replayed      {finding.replayed or 'no such row'}"]
    return lines


def _balance(row: dict[str, object]) -> str:
    money = Money(int(str(row["balance_minor"])), str(row["currency"]))
    return f"  {row['account']!s:<48} {money!s:>18}"
