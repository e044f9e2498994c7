"""What the views say, against the read models, the folds of the ledger, and each other."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.payments import events as e
from ledger.payments.folding import evolve
from ledger.payments.life import REFUND_TRANSITIONS, RefundStatus, Status
from ledger.payments.payment import Payment
from projections.reporting import REPORTS
from support.databases import copied
from support.payment_lives import SETTLED, Life, interleaved, lived
from support.report_side import ReportSide, open_report_side

REFUNDED = (e.RefundRequested, e.RefundDispatched, e.RefundAccepted, e.RefundConfirmed)
EXACT = [report for report in REPORTS if report.exact]


@pytest.fixture
def side(ledger_database: str) -> Iterator[ReportSide]:
    with open_report_side(ledger_database) as opened:
        yield opened


@pytest.fixture(scope="module", params=[1, 2, 3])
def busy(server: str, template: str, request: pytest.FixtureRequest) -> Iterator[ReportSide]:
    """Many payments at random, and one with all of a refund; nobody adds to them."""
    with copied(server, template) as database, open_report_side(database) as side:
        side.append("pay_x", lived("pay_x", *SETTLED, *REFUNDED, e.ChargebackReceived))
        side.append("pay_y", lived("pay_y", *SETTLED, *REFUNDED[:3], e.RefundFailed, *REFUNDED[:3]))
        for stream, facts in interleaved(25, 14, request.param):
            side.append(stream, facts)
        side.catch_up()
        yield side


def summed(side: ReportSide, query: str) -> dict[Any, Any]:
    return {tuple(row.values())[:-1]: tuple(row.values())[-1] for row in side.report(query)}


def test_the_journal_adds_up_to_the_trial_balance(busy: ReportSide) -> None:
    live = {(row["account"],): row["balance_minor"] for row in busy.rows("select * from balances")}

    assert live == summed(
        busy, "select account, sum(amount_minor)::bigint from entries group by account"
    )
    assert busy.report("select sum(amount_minor)::int as total from entries") == [{"total": 0}]
    last = "select distinct on (account) account, balance_minor from balances order by account, effective_on desc"
    assert summed(busy, last) == live
    assert live == summed(
        busy, "select account, sum(change_minor)::bigint from balances group by account"
    )
    by_day = "select account, effective_on, sum({})::bigint from {} group by 1, 2"
    for column in ("debit_minor", "credit_minor"):
        assert summed(busy, by_day.format(column, "entries")) == summed(
            busy, by_day.format(column, "balances")
        )


def test_fees_add_up_to_their_accounts(busy: ReportSide) -> None:
    live = {row["account"]: row["balance_minor"] for row in busy.rows("select * from balances")}
    (fees,) = busy.report(
        "select sum(percentage_minor)::bigint as mdr, sum(fixed_minor)::bigint as fixed,"
        " sum(chargeback_minor)::bigint as chargeback, sum(tax_minor)::bigint as tax,"
        " sum(total_minor)::bigint as total from fees"
    )

    assert fees["mdr"] == live["Expenses:Gateway:MDR"]
    assert fees["fixed"] == live["Expenses:Gateway:Fixed"]
    assert fees["chargeback"] == live["Expenses:Chargeback:Fee"] >= 50_000
    assert fees["tax"] == live["Assets:Tax:PPN-Masukan"]
    assert fees["total"] == fees["mdr"] + fees["fixed"] + fees["chargeback"] + fees["tax"]


def test_a_payments_fee_is_what_its_entries_say(side: ReportSide) -> None:
    side.log.append("pay_1", lived("pay_1", *SETTLED, *REFUNDED))
    side.catch_up()

    (payment,) = side.report("select fee_minor, net_minor, captured_minor from payments")
    (refund,) = side.report("select fee_returned_minor, fee_tax_returned_minor from refunds")
    (charged,) = side.report("select sum(total_minor)::bigint as fees from fees")

    assert refund == {"fee_returned_minor": 100, "fee_tax_returned_minor": 11}
    assert charged["fees"] == payment["fee_minor"] - 111
    assert payment["net_minor"] == payment["captured_minor"] - payment["fee_minor"]


def test_refunds_stand_as_the_ledger_folds_them(busy: ReportSide) -> None:
    folded: dict[str, Payment] = {}
    for recorded in busy.appended:
        before = folded.get(recorded.stream, Payment())
        folded[recorded.stream] = evolve(before, recorded.event)
    expected = {
        (payment_id, refund.refund_id): (refund.status.value, refund.amount.minor)
        for payment_id, payment in folded.items()
        for refund in payment.refunds
    }

    rows = busy.report("select payment_id, refund_id, status, amount_minor from refunds")

    assert expected == {
        (row["payment_id"], row["refund_id"]): (row["status"], row["amount_minor"]) for row in rows
    }
    assert len(rows) >= 3
    given_back = "select payment_id, {} from {} where {} > 0 {}"
    assert summed(
        busy, given_back.format("refunded_minor", "payments", "refunded_minor", "")
    ) == summed(
        busy,
        given_back.format(
            "sum(of_payment_minor)::bigint", "refunds", "of_payment_minor", "group by payment_id"
        ),
    )


@pytest.mark.parametrize("status", [status for status in RefundStatus])
def test_every_status_of_a_refund_can_be_shown(side: ReportSide, status: RefundStatus) -> None:
    walked = {
        RefundStatus.REQUESTED: (),
        RefundStatus.DISPATCHED: (e.RefundDispatched,),
        RefundStatus.UNKNOWN: (e.RefundDispatched, e.RefundOutcomeUnknown),
        RefundStatus.ACCEPTED: (e.RefundDispatched, e.RefundAccepted),
        RefundStatus.CONFIRMED: (e.RefundDispatched, e.RefundAccepted, e.RefundConfirmed),
        RefundStatus.FAILED: (e.RefundDispatched, e.RefundAccepted, e.RefundFailed),
    }
    assert {to for *_, to in REFUND_TRANSITIONS} | {RefundStatus.REQUESTED} == walked.keys()
    side.log.append("pay_1", lived("pay_1", *SETTLED, e.RefundRequested, *walked[status]))
    side.catch_up()

    (row,) = side.report("select * from refunds")

    third = row["amount_minor"]
    accepted = third if status in (RefundStatus.ACCEPTED, RefundStatus.CONFIRMED) else 0
    assert row["status"] == status.value
    assert (row["accepted_minor"], row["of_payment_minor"]) == (accepted, accepted)
    assert row["confirmed_minor"] == (third if status is RefundStatus.CONFIRMED else 0)
    assert row["failure"] == ("denied" if status is RefundStatus.FAILED else None)


def test_attempts_by_method_add_up(busy: ReportSide) -> None:
    outcomes = ("succeeded", "denied", "failed", "expired", "cancelled", "followed", "open")
    rows = busy.report("select * from method_success")
    payments = busy.report("select * from payments")
    paid = {"captured", "settled", "partially_refunded", "refunded", "reversed", "charged_back"}

    assert sum(row["attempts"] for row in rows) == sum(row["attempts"] for row in payments)
    for row in rows:
        assert sum(row[outcome] for outcome in outcomes) == row["attempts"]
        known = row["attempts"] - row["open"]
        assert (
            row["success_rate"] is None or abs(row["success_rate"] * known - row["succeeded"]) < 1
        )
    methods = Counter(row["method"] for row in payments if row["status"] in {*paid, "authorised"})
    assert methods == Counter({row["method"]: 0 for row in rows}) + sum(
        (Counter({row["method"]: row["succeeded"]}) for row in rows), Counter()
    )
    assert sum(row["open"] for row in rows) == sum(
        row["status"] in ("requested", "dispatched", "unknown", "pending", "challenged")
        and row["attempts"] > 0
        for row in payments
    )


def test_every_status_of_a_payment_has_its_column() -> None:
    """A new one has to be put somewhere: `open` takes what is left."""
    (view,) = [report for report in REPORTS if report.name == "method_success"]
    open_ones = {"new", "requested", "dispatched", "unknown", "pending", "challenged"}

    assert {s.value for s in Status if f"'{s.value}'" not in view.create} == open_ones


def test_what_is_shown_as_of_an_earlier_position_is_what_was_shown_then(side: ReportSide) -> None:
    """Reports of which rows know their position, at each end of an append."""
    life = Life("pay_x", random.Random(3))
    walk = (*SETTLED, *REFUNDED, *REFUNDED[:3], e.RefundFailed, e.ChargebackReceived)
    appends = [*(("pay_x", life.happen(event)) for event in walk), *interleaved(4, 8, seed=7)]
    then: dict[int, dict[str, list[dict[str, Any]]]] = {}
    for stream, facts in appends:
        side.log.append(stream, facts)
        side.catch_up()
        then[side.log.position] = shown(side)
    assert len(then) == len(appends) > len(walk) + 15

    for position, reports in then.items():
        side.reports.execute(
            "select set_config('bukubesar.as_of_position', %s, false)", [str(position)]
        )
        assert shown(side) == reports, position


def shown(side: ReportSide) -> dict[str, list[dict[str, Any]]]:
    return {report.name: side.all(report) for report in EXACT}
