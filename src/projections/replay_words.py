"""What scripts/replay.py says: reports in words."""

from ledger.money import Money
from projections import past_words
from projections.auditing import Finding
from projections.changes import Changes
from projections.differing import Differences, TableDifference
from projections.exporting import Export
from projections.past_states import AsOf
from projections.rebuilding import Rebuilt
from projections.replaying import Report
from projections.stream_reading import StreamReport
from projections.verifying import LogReport

Told = Report | StreamReport | LogReport | AsOf | Changes | Differences


def of(report: Told) -> list[str]:
    match report:
        case Report():
            return of_report(report)
        case LogReport():
            return of_log(report)
        case StreamReport():
            return of_stream(report)
        case Differences():
            return of_differences(report)
        case AsOf():
            lines = past_words.of_as_of(report)
        case Changes():
            lines = past_words.of_changes(report)
    return [*lines, *of_finding(report.finding)] if report.finding else lines


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


def of_differences(report: Differences) -> list[str]:
    lines = [f"events          {report.events:,}, compared in {report.seconds:.1f} s"]
    for group, position in report.behind.items():
        lines.append(f"behind          {group}: compared at {position:,}, does a worker run?")
    if report.not_compared:
        lines.append(f"not compared    {', '.join(report.not_compared)}: streams are parked")
    for table in report.tables:
        lines.append(f"{table.table:<23} {_counted(table)}")
        for row in table.rows:
            lines += [f"  row           {', '.join(map(str, row.key))}"]
            lines += [f"  live          {row.live or 'no such row'}"]
            lines += [f"  replayed      {row.replayed or 'no such row'}"]
        if more := table.total - len(table.rows):
            lines.append(f"  and {more:,} more (--limit 0 names all)")
    return [*lines, *of_finding(report.finding)] if report.finding else lines


def _counted(table: TableDifference) -> str:
    if table.other_layout:
        return "made by another version of the program: rebuild it"
    if table.equal:
        return "equal"
    told = {"changed": table.changed, "missing": table.missing, "too many": table.extra}
    return "DIFFERENT: " + ", ".join(f"{count:,} {word}" for word, count in told.items() if count)


def of_rebuilt(done: Rebuilt) -> list[str]:
    lines = [f"{done.group}: rebuilt up to position {done.position}, in {done.seconds:.1f} s"]
    lines += [
        f"  {name:<17} {'equal' if same else 'DIFFERENT'}" for name, same in done.equal.items()
    ]
    if done.not_compared:
        lines.append(f"  not compared      {done.not_compared}")
    tries = f", the {done.swap_tries}. time of asking" if done.swap_tries > 1 else ""
    lines.append(f"  swapped           in {done.swap_milliseconds:.0f} ms{tries}")
    if done.streams:
        lines.append(f"  no longer parked  {', '.join(done.streams)}")
    if done.finding:
        lines += [*of_finding(done.finding), "  it is now what the log says"]
    return lines


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
