"""One row a payment, folded from its events."""

import random
from collections.abc import Iterator

import pytest

from ledger.payments import events as e
from ledger.payments.folding import evolve
from ledger.payments.payment import Payment
from projections import payments
from projections.payments import PaymentFilter
from support.payment_lives import METHODS, PAID, SETTLED, Life, interleaved, lived
from support.read_side import ReadSide, open_read_side

REFUNDED = (e.RefundRequested, e.RefundDispatched, e.RefundAccepted)


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def test_a_settled_payment_shows_what_was_captured_and_what_it_cost(read_side: ReadSide) -> None:
    facts = lived("pay_1", *SETTLED)
    read_side.log.append("pay_1", facts)

    read_side.catch_up()

    row = read_side.one("select * from payments")
    settled = next(fact for fact in facts if isinstance(fact, e.PaymentSettled))
    assert (row["status"], row["method"] in METHODS, row["attempts"]) == ("settled", True, 1)
    assert row["captured_minor"] == row["amount_minor"] == settled.amount.minor
    assert (row["fee_minor"], row["net_minor"]) == (settled.fee.total.minor, settled.net.minor)
    assert (row["order_id"], row["transaction_id"]) == ("pay_1-1", "t-pay_1-1")
    assert (row["version"], row["position"], row["first_position"]) == (8, 8, 1)
    assert row["metadata"] == {"orderId": "order_pay_1"}


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), "settled"),
        (REFUNDED[:1], "settled"),
        (REFUNDED, "partially_refunded"),
        ((*REFUNDED, e.RefundFailed), "settled"),
        ((*REFUNDED, e.RefundConfirmed), "partially_refunded"),
        ((e.ChargebackReceived,), "charged_back"),
        ((*REFUNDED, e.ChargebackReceived), "charged_back"),
        ((e.SettlementReversed,), "reversed"),
    ],
)
def test_what_happens_after_settlement_shows_in_the_status(
    read_side: ReadSide, events: tuple[type[e.DomainEvent], ...], status: str
) -> None:
    read_side.log.append("pay_1", lived("pay_1", *SETTLED, *events))

    read_side.catch_up(batch=3)

    assert read_side.one("select status from payments")["status"] == status


def test_refunds_of_the_whole_amount_make_it_refunded(read_side: ReadSide) -> None:
    life = Life("pay_1", random.Random(1))
    life.amount = 30_000
    facts = [fact for event in (*SETTLED, *REFUNDED * 3) for fact in life.happen(event)]
    read_side.log.append("pay_1", facts)

    read_side.catch_up()

    row = read_side.one("select status, refunded_minor, refund_confirmed_minor from payments")
    assert row == {"status": "refunded", "refunded_minor": 30_000, "refund_confirmed_minor": 0}


def test_a_void_takes_back_what_was_captured(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID, e.ChargeCancelled))

    read_side.catch_up()

    assert read_side.one("select status, captured_minor from payments") == {
        "status": "cancelled",
        "captured_minor": 0,
    }


def test_news_of_a_given_up_attempt_does_not_touch_the_live_one(read_side: ReadSide) -> None:
    facts = lived(
        "pay_1", *PAID[:3], e.ChargeDenied, e.AttemptStarted, e.ChargeDispatched, e.ChargePending
    )
    late = e.ChargeExpired(attempt=1, evidence=facts[3].evidence, occurred_at=facts[-1].occurred_at)  # type: ignore[attr-defined]
    read_side.log.append("pay_1", [*facts, late])

    read_side.catch_up()

    row = read_side.one("select status, attempts, version from payments")
    assert row == {"status": "pending", "attempts": 2, "version": 8}


def test_a_payment_under_review_says_so(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID, e.ReviewRequested))

    read_side.catch_up()

    assert read_side.one("select status, under_review from payments") == {
        "status": "captured",
        "under_review": True,
    }


def test_the_status_is_the_one_that_the_ledger_itself_gives(read_side: ReadSide) -> None:
    appends = interleaved(payments=60, steps=12, seed=7)
    read_side.log.append_all(appends)
    states: dict[str, Payment] = {}
    for stream, facts in appends:
        for fact in facts:
            states[stream] = evolve(states.get(stream, Payment()), fact)

    read_side.catch_up(batch=37)

    shown = {row["payment_id"]: row for row in read_side.rows("select * from payments")}
    assert {key: row["status"] for key, row in shown.items()} == {
        key: payment.public_status for key, payment in states.items()
    }
    assert {key: row["refunded_minor"] for key, row in shown.items()} == {
        key: payment.refunded.minor for key, payment in states.items()
    }


def test_words_of_a_gateway_with_a_nul_do_not_stop_the_read_models(read_side: ReadSide) -> None:
    facts = lived("pay_1", *PAID[:3])
    failed = e.ChargeFailed(
        attempt=1, code="0\x00", words="a\x00b", occurred_at=facts[-1].occurred_at
    )
    read_side.log.append("pay_1", facts)
    read_side.log.append("pay_1", [failed])

    read_side.catch_up()

    assert read_side.one("select status from payments")["status"] == "failed"


async def test_pages_come_newest_first_and_follow_one_another(read_side: ReadSide) -> None:
    for n in range(5):
        read_side.log.append(f"pay_{n}", lived(f"pay_{n}", *PAID, seed=n))
    read_side.catch_up()

    async with read_side.asking() as conn:
        first = await payments.page(conn, PaymentFilter(), None, 2)
        second = await payments.page(conn, PaymentFilter(), (first[-1]["first_position"],), 2)

    assert [row["payment_id"] for row in first + second] == ["pay_4", "pay_3", "pay_2", "pay_1"]


async def test_each_filter_narrows_a_page(read_side: ReadSide) -> None:
    read_side.log.append("pay_1", lived("pay_1", *PAID, seed=1))
    read_side.log.append("pay_2", lived("pay_2", *SETTLED, seed=2))
    read_side.catch_up()
    row = read_side.one("select * from payments where payment_id = 'pay_2'")
    matching = [
        PaymentFilter(status="settled"),
        PaymentFilter(method=row["method"]),
        PaymentFilter(customer_id=row["customer_id"]),
        PaymentFilter(order_reference="order_pay_2"),
        PaymentFilter(created_from=row["created_at"], status="settled"),
    ]

    async with read_side.asking() as conn:
        for filters in matching:
            assert "pay_2" in [
                found["payment_id"] for found in await payments.page(conn, filters, None, 10)
            ]
        before = PaymentFilter(created_to=row["created_at"], status="settled")
        nobody = PaymentFilter(subscription_id="sub_none")
        assert not await payments.page(conn, before, None, 10)
        assert not await payments.page(conn, nobody, None, 10)


def test_the_fields_of_a_row_are_the_columns_of_the_table(read_side: ReadSide) -> None:
    columns = read_side.connection.execute("select * from payments").description or []

    assert [column.name for column in columns] == list(payments.PaymentRow.__struct_fields__)
