"""docs/subscriptions.md says what the tables say, and sums that were also made by hand."""

import pytest

from api import subscription_docs
from ledger.subscriptions.life import LIVE, NEXT, Status, ends_of
from ledger.subscriptions.policies import POLICIES

TEXT = subscription_docs.render()


def test_every_way_is_an_arrow() -> None:
    arrows = [line.split(" : ") for line in TEXT.splitlines() if " --> " in line]
    drawn = {
        (*ends.strip().split(" --> "), word)
        for ends, words in arrows
        for word in words.split(" or ")
    }

    for status, event in NEXT:
        start = "[*]" if status is Status.NEW else status.value
        for end in ends_of(status, event):
            word = event.TOPIC.split(".")[1]
            ways = {(start, end.value, word), ("live", end.value, word)}
            assert end is status or drawn & ways, ways
    assert {"live", *Status} >= {start for start, _, _ in drawn} - {"[*]"}
    assert len(LIVE) == len(Status) - 3  # new, cancelled, expired


@pytest.mark.parametrize("rules", POLICIES, ids=lambda rules: rules.name)
def test_every_policy_is_printed_step_by_step(rules) -> None:
    part = TEXT.split(f"`{rules.name}`, version {rules.version}")[1]
    rows = [row for row in part.splitlines() if row.startswith("| ")][1 : len(rules.steps) + 1]

    assert rows == [f"| {step.after.days} | `{step.action}` |" for step in rules.steps]


@pytest.mark.parametrize(
    "row",
    [
        "| up to 199,000 on the 11th | 99,000 | 165,667 | 149,250 | 16,417 | billed 66,667 |",
        "| the same at 22:00, by the day | 99,000 | 162,333 | 146,246 | 16,087 | billed 63,333 |",
        "| the same at 22:00, by the second | 99,000 | 164,000 | 147,748 | 16,252 | billed 65,000 |",
        "| up on the 11th and down on the 21st | 165,667 | 132,333 | 119,219 | 13,114 | credit 33,334 |",
        "| up and down at once on the 11th | 165,667 | 99,000 | 89,189 | 9,811 | credit 66,667 |",
        "| cancelled on the 11th with credit | 99,000 | 33,000 | 29,730 | 3,270 | credit 66,000 |",
    ],
)
def test_the_sums_are_those_made_by_hand(row: str) -> None:
    assert row in TEXT


def test_the_words_around_them() -> None:
    assert "January 31, February 28, March 31, April 30, May 31" in TEXT
    assert "costs 66,000 for the 20 of 30\ndays" in TEXT
    assert "{" not in TEXT.replace("state live {", "").replace("/{id}`", "")
    assert "| `quote_stale` |" in TEXT
