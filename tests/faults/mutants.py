"""Proof that the harness can fail: each mutant of reliability.md 5.5 that applies breaks one rule, and is caught.

    python -m faults.mutants            all of them; exit code 0 only when each is caught
    python -m faults.mutants M1 M8      only these

Whole processes are mutated where a short chaos run can tell; the others are met by the schedules below the process, or
by a control beside the test that it proves.
"""

import asyncio
import subprocess
import sys
import time
from argparse import ArgumentParser
from dataclasses import replace
from typing import Final, NamedTuple

import structlog
from rich.console import Console

from faults.chaos.__main__ import SHORT
from faults.chaos.report import ROOT
from faults.chaos.run import run

SETTLED_WITHIN_SECONDS: Final = 60.0
BELOW: Final = "tests/properties/test_below_the_process.py::test_a_wrong_variant_is_caught"


class Mutant(NamedTuple):
    """`mutation`: of `faults.mutated`, and `caught_by` its invariants. Else `caught_by` names tests that assert that
    it is caught.
    """

    number: str
    words: str
    caught_by: tuple[str, ...]
    mutation: str = ""


MUTANTS: Final = (
    Mutant("M1", "sent before it is stored, with a new id at each try", ("I2", "I3"),
           "sends-before-it-stores"),
    Mutant("M2", "a new order id whenever the worker sends again", ("I2", "I3"),
           "sends-again-under-a-new-order-id"),
    Mutant("M3", "state not saved before sending", (f"{BELOW}[sends before saving]",)),
    Mutant("M4", "synchronous_commit off",
           ("tests/faults/test_dense_writer.py::test_a_server_that_acknowledges_before_it_has_written_is_caught",)),
    Mutant("M5", "appended without the lock",
           ("tests/properties/test_feed.py::test_ids_from_a_sequence_are_caught_making_a_reader_skip",)),
    Mutant("M6", "periods opened whatever others have opened",
           ("tests/faults/test_two_schedulers.py::test_a_scheduler_that_appends_whatever_others_did_is_caught",)),
    Mutant("M7", "no seals kept outside the chain",
           ("tests/audit/test_tampering.py::test_without_seals_from_outside_whoever_owns_the_database_is_believed",)),
    Mutant("M8", "a notice's status taken at its word", (f"{BELOW}[trusts the notice]",)),
    Mutant("M9", "run again without its command id", (f"{BELOW}[runs again under a new id]",)),
    Mutant("M10", "the framework's own answer to invalid input",
           ("tests/properties/test_http_hygiene.py::test_the_frameworks_own_handling_is_caught",)),
    Mutant("M11", "a worker's loop ends at the first fault",
           ("tests/faults/test_postgres_down.py::test_a_worker_whose_loop_ends_at_the_first_fault_is_caught",)),
)  # fmt: skip


def main() -> int:
    parser = ArgumentParser(prog="python -m faults.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", help="M1, M2 …")
    parser.add_argument("--seed", type=int, default=SHORT.seed)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    console = Console(highlight=False)
    missed = []
    for mutant in MUTANTS:
        if asked.only and mutant.number not in asked.only:
            continue
        began = time.monotonic()
        found = _by_chaos(mutant, asked.seed) if mutant.mutation else _by_tests(mutant)
        said = f"caught by {found}" if found else "NOT CAUGHT"
        console.print(
            f"{mutant.number:4} {mutant.words}: {said}, {time.monotonic() - began:.0f} s",
            style="" if found else "bold red",
        )
        if not found:
            missed.append(mutant.number)
    console.print(f"not caught: {', '.join(missed)}" if missed else "all caught")
    return 1 if missed else 0


def _by_chaos(mutant: Mutant, seed: int) -> str:
    """The invariants that it violates, of those that it has to; empty when none."""
    size = replace(SHORT, seed=seed, calm_payments=0, given_up_after_seconds=SETTLED_WITHIN_SECONDS)
    done = asyncio.run(run(size, lambda _: None, mutant.mutation))
    violated = {
        one.number: one
        for one in done.verdicts
        if one.violations and one.number in mutant.caught_by
    }
    return ", ".join(
        f"{number} ({one.violations}: {one.examples[0]})" for number, one in violated.items()
    )


def _by_tests(mutant: Mutant) -> str:
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *mutant.caught_by]
    told = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    caught = told.returncode == 0 and f"{len(mutant.caught_by)} passed" in told.stdout
    return mutant.caught_by[0].rpartition("::")[2] if caught else ""


if __name__ == "__main__":
    sys.exit(main())
