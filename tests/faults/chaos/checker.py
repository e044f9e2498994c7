"""The invariants of reliability.md 5.2, and of subscriptions (S), each a function that gives one line a violation, in
one table.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from faults.chaos import money_checks as money
from faults.chaos import process_checks as process
from faults.chaos import subscription_checks as subscriptions
from faults.chaos.event_log import story
from faults.chaos.seen import Seen

EXAMPLES: Final = 5
Check = Callable[[Seen], Iterator[str]]


class Invariant(NamedTuple):
    number: str
    words: str
    check: Check


INVARIANTS: Final = (
    Invariant("I1", "acknowledged commands are in the log", money.acknowledged_commands_are_in_the_log),
    Invariant("I1", "every command has a final answer", money.every_command_was_answered),
    Invariant("I2", "every charge has its intent", money.every_charge_has_its_intent),
    Invariant("I2", "no intent is charged twice", money.no_intent_is_charged_twice),
    Invariant("I2", "no charge outlives its payment", money.no_charge_outlives_its_payment),
    Invariant("I3", "what is paid is booked, and nothing else", money.charges_are_booked),
    Invariant("I3", "our states are the gateway's", money.states_are_the_gateways),
    Invariant("I3", "each money fact has its entry", money.money_facts_bring_their_entry),
    Invariant("I4", "legs and samples sum to 0", money.entries_balance),
    Invariant("I5", "replay = read models", process.read_models_follow_from_the_log),
    Invariant("I6", "versions and positions are dense", process.versions_and_positions_are_dense),
    Invariant("I7", "no work is overdue", process.no_work_is_overdue),
    Invariant("I7", "nothing waits for nobody but us", process.everything_settled),
    Invariant("I8", "unknown is left by evidence", money.unknown_is_left_by_evidence),
    Invariant("I9", "refunds are the gateway's", money.refunds_are_the_gateways),
    Invariant("I11", "same key, same answer", process.a_key_has_one_answer),
    Invariant("I11", "same key, other body: refused", process.another_body_is_refused),
    Invariant("I12", "the chain verifies", process.the_chain_verifies),
    Invariant("I13", "no canary is written down", process.nothing_secret_is_written_down),
    Invariant("I15", "nothing is leaked", process.nothing_is_leaked),
    Invariant("P11", "nothing broke inside", process.nothing_broke_inside),
    Invariant("S1", "a period has one bill", subscriptions.a_period_has_one_bill),
    Invariant("S1", "no period is left out", subscriptions.no_period_is_left_out),
    Invariant("S2", "a paid bill has one charge", subscriptions.a_paid_bill_has_one_charge),
    Invariant("S3", "deferred = left to earn", subscriptions.deferred_revenue_is_what_is_left_to_earn),
    Invariant("S4", "what has ended is left alone", subscriptions.what_has_ended_is_left_alone),
)  # fmt: skip


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    words: str
    violations: int
    seconds: float
    examples: list[str]
    stories: dict[str, list[str]] = {}  # events of the payments that the examples name


def judge(seen: Seen) -> list[Verdict]:
    return [_judged(seen, invariant) for invariant in INVARIANTS]


def _judged(seen: Seen, invariant: Invariant) -> Verdict:
    began = time.monotonic()
    violations = list(invariant.check(seen))
    examples = violations[:EXAMPLES]
    named = {word.split("-")[0] for text in examples for word in _words(text)}
    return Verdict(
        number=invariant.number,
        words=invariant.words,
        violations=len(violations),
        seconds=round(time.monotonic() - began, 2),
        examples=examples,
        stories={name: story(seen.log.streams[name]) for name in named & seen.log.streams.keys()},
    )


def _words(text: str) -> list[str]:
    return text.replace(":", " ").replace(",", " ").split()
