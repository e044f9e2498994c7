"""The log as a log, the read models, the work that is due, keys and answers, and what processes left behind. Each
check gives one line a violation.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from faults.chaos.seen import Seen, unsettled
from projections.replaying import verify, verify_chain
from support.running import SCHEMA

OVERDUE: Final = timedelta(seconds=10)
# Above what a process held when it was new and idle: threads and lines of its pools, and what caches fill.
MORE_THREADS: Final = 40
MORE_DESCRIPTORS: Final = 150
MORE_MEMORY_MIB: Final = 150.0
CONNECTIONS_A_PROCESS: Final = 24


def versions_and_positions_are_dense(seen: Seen) -> Iterator[str]:
    for expected, event in enumerate(seen.log.events, start=1):
        if event.position != expected:
            yield f"position {expected} is missing, {event.position} stands there"
            break
    for stream, events in seen.log.streams.items():
        if [event.version for event in events] != list(range(1, len(events) + 1)):
            yield f"{stream} has versions {[event.version for event in events]}"


def read_models_follow_from_the_log(seen: Seen) -> Iterator[str]:
    """Replayed by the product's own code, byte for byte."""
    report = verify(seen.system.conninfo, SCHEMA)
    if report.finding:
        yield f"{report.finding.rule}: {report.finding.words} {report.finding}"
    for group, position in report.behind.items():
        yield f"{group} stands at {position} of {report.until}"
    for name, equal in report.equal.items():
        if not equal:
            yield f"{name} differs"
    for currency, total in (report.totals or {}).items():
        if total:
            yield f"the replayed books sum to {total} {currency}"


def the_chain_verifies(seen: Seen) -> Iterator[str]:
    report = verify_chain(seen.system.conninfo, SCHEMA)
    if report.finding:
        yield f"{report.finding.rule}: {report.finding.words} at {report.finding.position}"
    if report.events != len(seen.log.events):
        yield f"{report.events} events were verified, {len(seen.log.events)} were read"


def no_work_is_overdue(seen: Seen) -> Iterator[str]:
    for row in seen.rows["due"]:
        due_at = max(row["due_at"], row["again_at"] or row["due_at"])
        if row["now"] > due_at + OVERDUE:
            yield (
                f"{row['stream']} {row['kind']} {row['subject']} was due {row['now'] - due_at} ago"
            )


def everything_settled(seen: Seen) -> Iterator[str]:
    yield from unsettled(seen)


def a_key_has_one_answer(seen: Seen) -> Iterator[str]:
    answers = defaultdict(set)
    for line in seen.told("answer"):
        if 200 <= line["status"] < 300 or _is_refusal(line):
            answers[line["key"]].add((line["status"], line["digest"]))
    for key, different in answers.items():
        if len(different) > 1:
            yield f"{key} was answered in {len(different)} ways: {sorted(different)}"


def _is_refusal(line: dict[str, object]) -> bool:
    return line["replayed"] is True


def another_body_is_refused(seen: Seen) -> Iterator[str]:
    for line in seen.told("other body"):
        passing = line["status"] in (409, 503)
        if line["status"] != 422 and not passing:
            yield f"{line['key']} with another body was answered {line['status']}"


def nothing_broke_inside(seen: Seen) -> Iterator[str]:
    for line in seen.history:
        status = line.get("status") or 0
        if status >= 500 and status not in (502, 503, 504):
            yield f"{line.get('key') or line.get('path')} was answered {status}"
        if status == 503 and line["what"] == "answer" and not line["retry_after"]:
            yield f"{line['key']} was answered 503 without Retry-After"


def nothing_secret_is_written_down(seen: Seen) -> Iterator[str]:
    """In logs of processes and of PostgreSQL, nor in clear in the event log."""
    texts = {
        path.name: path.read_bytes()
        for path in (*seen.system.folder.glob("*.log"), *seen.system.folder.glob("postgres/*.log"))
    }
    texts["the event log"] = b"\n".join(seen.log.states)
    for canary, what in seen.canaries.items():
        for name, text in texts.items():
            if (count := text.count(canary.encode())) > 0:
                yield f"{what} stands {count} times in {name}"


def nothing_is_leaked(seen: Seen) -> Iterator[str]:
    for name, after in seen.after.items():
        before = seen.before.get(name)
        if before is None:
            continue
        for what, more, most in (
            ("threads", after.threads - before.threads, MORE_THREADS),
            ("descriptors", after.descriptors - before.descriptors, MORE_DESCRIPTORS),
            ("MiB", after.memory - before.memory, MORE_MEMORY_MIB),
        ):
            if more > most:
                yield f"{name} holds {more} {what} more than when it was new"
    most = CONNECTIONS_A_PROCESS * len(seen.after)
    if (total := sum(seen.connections.values())) > most:
        yield f"PostgreSQL serves {total} connections: {dict(seen.connections)}"
