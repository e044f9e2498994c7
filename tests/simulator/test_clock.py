"""The clock of Jakarta: set, advanced, frozen (midtrans.md 14, 19.3)."""

from datetime import datetime, timedelta
from time import sleep

import pytest

from simulator.clock import WIB, Clock, moment


@pytest.fixture(autouse=True)
def thawed(merchant):
    yield
    merchant.control("clock", frozen=False)


def wib_now(merchant):
    return datetime.fromisoformat(merchant.get("/_control/clock")["now"])


def test_a_frozen_clock_stands_still_and_goes_on_where_it_stood(merchant):
    merchant.control("clock", frozen=True)
    first = wib_now(merchant)
    sleep(0.05)
    still = wib_now(merchant)
    merchant.control("clock", frozen=False)

    assert first == still
    assert timedelta() < wib_now(merchant) - first < timedelta(seconds=2)


def test_a_frozen_clock_is_advanced_to_the_second(merchant):
    merchant.control("clock", frozen=True)
    charged = merchant.charge("gopay")
    merchant.control("clock", advance_seconds=899.5)
    before = merchant.status(charged["order_id"])["transaction_status"]
    merchant.control("clock", advance_seconds=0.5)

    assert before == "pending"
    assert merchant.status(charged["order_id"])["transaction_status"] == "expire"


def test_the_clock_is_set_in_jakarta_time_and_what_was_due_happens(merchant):
    charged = merchant.charge("bca_va")
    later = wib_now(merchant) + timedelta(days=30)

    said = merchant.control("clock", set=later.strftime("%Y-%m-%d 10:00:00"))

    assert said["wib"].startswith(later.strftime("%Y-%m-%d 10:00:0"))
    assert said["now"].endswith("+07:00")
    assert merchant.status(charged["order_id"])["transaction_status"] == "expire"
    assert merchant.charge()["transaction_time"].startswith(later.strftime("%Y-%m-%d 10:00"))


def test_time_does_not_go_back_once_something_has_happened(merchant):
    merchant.charge()

    assert merchant.control("clock", set="2020-01-01 00:00:00")["http"] == 409


@pytest.mark.parametrize("asked", [{}, {"set": "tomorrow"}, {"advance_seconds": "much"}])
def test_what_cannot_be_read_is_said(merchant, asked):
    assert merchant.control("clock", **asked)["http"] == 400


def test_a_clock_can_begin_in_the_past_and_be_frozen_there():
    clock = Clock()
    clock.freeze()
    clock.set(moment("2026-01-16T10:00:00+07:00"))
    clock.advance(90)

    assert clock.now() == datetime(2026, 1, 16, 10, 1, 30, tzinfo=WIB)
