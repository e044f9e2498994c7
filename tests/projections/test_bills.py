"""One row a bill, folded from its events."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.bills import commands as c
from ledger.bills.events import RevenueRecognised
from ledger.events import DomainEvent
from projections import bills
from projections.bills import BillFilter
from support import bill_facts as b
from support.bill_moves import Lived, lives
from support.payment_facts import AT, share
from support.read_side import ReadSide, open_read_side


@pytest.fixture
def read_side(ledger_database: str) -> Iterator[ReadSide]:
    with open_read_side(ledger_database) as opened:
        yield opened


def facts(*commands: c.BillCommand) -> Sequence[DomainEvent]:
    return b.booked(*commands).facts


def row(read_side: ReadSide, *commands: c.BillCommand, batch: int = 5_000) -> dict[str, Any]:
    read_side.log.append("bill_1", facts(*commands))
    read_side.catch_up(batch)
    return read_side.one("select * from bills")


def shown(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_an_open_bill_shows_what_it_is_for_and_what_is_to_pay(read_side: ReadSide) -> None:
    found = row(read_side, b.open_bill(b.opened(credit=20_000)), b.begin())

    about = ("bill_id", "subscription_id", "customer_id", "number", "period", "reason", "product")
    assert shown(found, *about) == ("bill_1", "sub_1", "cus_1", 1, 1, "first", "Premium")
    assert shown(found, "starts_at", "ends_at", "due_at") == (AT, b.ENDS, AT)
    amounts = ("net_minor", "tax_minor", "total_minor", "credit_minor", "to_pay_minor")
    assert shown(found, *amounts) == (89_189, 9_811, 99_000, 20_000, 79_000)
    assert shown(found, "status", "attempts", "method") == ("open", 1, "credit_card")
    assert shown(found, "paid_by", "paid_at", "unearned_minor") == ("", None, 0)
    assert shown(found, "first_position", "position") == (1, 2)


def test_a_paid_bill_says_by_which_payment_and_what_is_to_be_earned(read_side: ReadSide) -> None:
    found = row(read_side, *b.paid_bill())

    assert shown(found, "status", "paid_by", "paid_at") == ("paid", "pay_1", AT)
    assert shown(found, "recognised_minor", "unearned_minor") == (0, 89_189)


@pytest.mark.parametrize("batch", [1, 3, 5_000])
def test_each_day_a_part_is_earned_however_the_days_come(read_side: ReadSide, batch: int) -> None:
    days = [b.recognise(b.end_of_day(day)) for day in range(1, 11)]

    found = row(read_side, *b.paid_bill(), *days, batch=batch)

    assert shown(found, "recognised_minor", "unearned_minor") == (29_729, 59_460)
    earned = [fact for fact in facts(*b.paid_bill(), *days) if isinstance(fact, RevenueRecognised)]
    assert found["updated_at"] == earned[-1].occurred_at > AT
    assert found["position"] == read_side.log.position - 1  # the last entry comes after it


def test_a_failure_says_what_may_help_until_another_payment_is_asked_for(
    read_side: ReadSide,
) -> None:
    failed = row(read_side, b.open_bill(), b.begin(), b.not_paid())
    read_side.log.append(
        "bill_1", facts(b.open_bill(), b.begin(), b.not_paid(), b.begin("pay_2"))[3:]
    )
    read_side.catch_up()
    again = read_side.one("select * from bills")

    trouble = ("trouble", "failure", "failure_words", "attempts")
    assert shown(failed, *trouble) == ("retry_later", "51", "no funds", 1)
    assert shown(again, *trouble) == ("", "", "", 2)


@pytest.mark.parametrize(
    ("commands", "status"),
    [
        ((b.open_bill(), b.void()), "void"),
        ((b.open_bill(), b.write_off()), "written_off"),
        ((b.open_bill(), b.begin(), b.write_off(), b.paid()), "paid"),
        ((*b.paid_bill(), b.disputed()), "disputed"),
        ((*b.paid_bill(), b.disputed(), b.undone()), "open"),
        ((b.open_bill(b.opened(share(0, 0))),), "paid"),
    ],
)  # fmt: skip
def test_how_it_ended_is_its_status(
    read_side: ReadSide, commands: Sequence[c.BillCommand], status: str
) -> None:
    assert row(read_side, *commands, batch=1)["status"] == status


def test_what_was_given_back_is_told_apart(read_side: ReadSide) -> None:
    month = (*b.paid_bill(), b.recognise(b.end_of_day(10)))
    found = row(
        read_side,
        *month,
        b.refunded(at=b.end_of_day(10)),
        b.change("Pro", share(10_000, 1_100), at=b.end_of_day(11)),
    )

    assert shown(found, "refunded_minor", "credited_minor") == (33_000, 11_100)
    assert shown(found, "sold_as", "product") == ("Premium", "Pro")


def test_when_its_payment_does_not_last_nothing_of_it_remains(read_side: ReadSide) -> None:
    found = row(
        read_side, *b.paid_bill(), b.recognise(b.end_of_day(10)), b.change(), b.undone(), batch=2
    )

    money = ("credited_minor", "recognised_minor", "unearned_minor")
    assert shown(found, *money, "paid_by", "paid_at", "product") == (0, 0, 0, "", None, "Premium")


def test_earning_without_a_bill_is_refused(read_side: ReadSide) -> None:
    _, _, _, *later = facts(*b.paid_bill(), b.recognise(b.end_of_day(1)))
    earned = [fact for fact in later if isinstance(fact, RevenueRecognised)]
    read_side.log.append("bill_1", earned)

    with pytest.raises(LookupError, match="has no beginning"):
        read_side.catch_up()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lived=lives(), batch=st.integers(1, 40))
def test_the_row_says_what_the_ledger_itself_does(
    read_side: ReadSide, lived: Lived, batch: int
) -> None:
    stream = f"bill_{read_side.log.position}"
    read_side.log.append(stream, lived.of_bill)

    read_side.catch_up(batch)

    found = read_side.one("select * from bills where bill_id = %s", stream)
    bill = lived.bill
    status = "disputed" if bill.disputed else bill.status.value
    paid_by = bill.paid.payment_id if bill.paid else ""
    assert shown(found, "status", "paid_by", "product") == (status, paid_by, bill.product)
    assert found["unearned_minor"] == bill.unearned.minor
    assert found["recognised_minor"] == sum(one.earned.minor for one in bill.schedules)
    assert found["to_pay_minor"] == bill.to_pay.minor
    asked = [one for one in bill.collections if one.method]
    assert found["attempts"] == len(asked)
    standing = [one.refunded for one in bill.refunds if one.refunded and not one.failed]
    assert found["refunded_minor"] == sum(one.amount.minor for one in standing)
    credited = bill.credited.total if bill.credited else bill.to_pay.zero()
    assert found["credited_minor"] == credited.minor
    assert found["updated_at"] == bill.updated_at


async def test_pages_come_newest_first_and_each_filter_narrows_them(read_side: ReadSide) -> None:
    for n in range(1, 6):
        opened = b.opened(bill_id=f"bill_{n}")
        more = {
            "subscription_id": f"sub_{n % 2}",
            "customer_id": f"cus_{n}",
            "due_at": AT + timedelta(days=n),
        }
        commands = [b.open_bill(replace(opened, **more)), *([b.void()] if n == 3 else [])]
        read_side.log.append(f"bill_{n}", facts(*commands))
    read_side.catch_up()

    async def listed(**filters: Any) -> list[str]:
        found, after = list[str](), None
        while page := await bills.page(conn, BillFilter(**filters), after, 2):
            found += [row["bill_id"] for row in page]
            after = (page[-1]["first_position"],)
        return found

    async with read_side.asking() as conn:
        assert await listed() == ["bill_5", "bill_4", "bill_3", "bill_2", "bill_1"]
        assert await listed(status="void") == ["bill_3"]
        assert await listed(subscription_id="sub_1") == ["bill_5", "bill_3", "bill_1"]
        assert await listed(subscription_id="sub_1", status="open") == ["bill_5", "bill_1"]
        assert await listed(customer_id="cus_2") == ["bill_2"]
        assert await listed(due_from=AT + timedelta(days=4)) == ["bill_5", "bill_4"]
        assert await listed(due_to=AT + timedelta(days=2), status="open") == ["bill_1"]


def test_the_fields_of_a_row_are_the_columns_of_the_table(read_side: ReadSide) -> None:
    columns = read_side.connection.execute("select * from bills").description or []

    assert [column.name for column in columns] == list(bills.BillRow.__struct_fields__)
