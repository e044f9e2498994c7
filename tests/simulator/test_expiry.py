"""The clock ends what nobody paid (midtrans.md 6, 11.4)."""

import pytest

from simulator.clock import WIB, Agenda, Clock

DEFAULTS = (("ovo", 65), ("gopay", 900), ("qris", 900), ("akulaku", 7_200), ("bca_va", 86_400))


@pytest.mark.parametrize(("method", "seconds"), DEFAULTS)
def test_a_pending_transaction_expires_on_time_and_is_told(merchant, inbox, method, seconds):
    order_id = merchant.charge(method)["order_id"]
    merchant.control("clock", advance_seconds=seconds - 5)
    before = merchant.status(order_id)["transaction_status"]
    merchant.control("clock", advance_seconds=6)

    after = merchant.status(order_id)
    assert before == "pending"
    assert (after["transaction_status"], after["status_code"]) == ("expire", "407")
    told = inbox.wait(order_id, "pending", "expire")
    assert told["status_code"] == "202"
    assert told.get("payment_option_type") == ("GOPAY_WALLET" if method == "gopay" else None)


def test_a_paid_transaction_does_not_expire(merchant):
    order_id = merchant.paid("gopay")["order_id"]
    merchant.control("clock", advance_seconds=86_400)

    assert merchant.status(order_id)["transaction_status"] == "settlement"


def test_money_can_arrive_late(merchant, inbox):
    order_id = merchant.charge("bca_va")["order_id"]
    merchant.control("expire", order_id=order_id)

    refused = merchant.control("pay", order_id=order_id)
    accepted = merchant.control("pay", order_id=order_id, late=True)

    assert (refused["http"], accepted["http"]) == (409, 200)
    inbox.wait(order_id, "pending", "expire", "settlement")


def test_the_clock_only_goes_forward(merchant):
    before = merchant.get("/_control/clock")["offset_seconds"]
    merchant.control("clock", advance_seconds=-100)

    assert merchant.get("/_control/clock")["offset_seconds"] == before


def test_the_agenda_acts_in_order_of_time():
    clock, acted = Clock(), []
    agenda = Agenda(clock)
    for seconds in (3, 1, 2, 99):
        agenda.after(seconds, lambda seconds=seconds: acted.append(seconds))
    clock.advance(10)
    agenda.run_due()

    assert acted == [1, 2, 3]
    assert clock.now().tzinfo is WIB
