"""Rows of rules, and the work that begins and ends by them."""

from datetime import UTC, datetime, timedelta

from ledger.due import Delay, Done, Due, Rule, by_event, changes
from ledger.events import DomainEvent

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
LATER = datetime(2026, 12, 1, tzinfo=UTC)


class Begun(DomainEvent, topic="test.due_begun.v1"):
    period: int = 1
    trial_ends_at: datetime | None = None


class Ended(DomainEvent, topic="test.due_ended.v1"):
    period: int = 1


HOUR = Delay(timedelta(hours=1), "it takes that long")
RULES = by_event(
    [
        Rule(Begun, "period", ("remind",), "renew", HOUR),
        Rule(
            Begun, "", ("pause",), "end_trial", Delay("trial_ends_at", "who has none pays at once")
        ),
        Rule(Ended, "", ("renew", "remind")),
    ]
)


def test_a_fact_may_begin_and_end_several_pieces_and_what_is_done_comes_first():
    begun = Begun(period=3, trial_ends_at=LATER, occurred_at=NOW)

    assert changes(RULES, begun) == [
        Done("remind", "3"),
        Done("pause", None),
        Due("renew", "3", NOW + timedelta(hours=1)),
        Due("end_trial", "", LATER),
    ]


def test_what_has_no_time_does_not_begin():
    begun = Begun(occurred_at=NOW)

    assert [one.kind for one in changes(RULES, begun) if isinstance(one, Due)] == ["renew"]


def test_an_end_of_the_whole_stream_ends_that_about_everything_in_it():
    assert changes(RULES, Ended(occurred_at=NOW)) == [Done("renew", None), Done("remind", None)]


def test_a_fact_that_no_row_names_changes_nothing():
    assert changes({}, Ended(occurred_at=NOW)) == []
