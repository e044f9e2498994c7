"""Virtual accounts that are paid again and again (midtrans.md 4.3, 6)."""

import pytest


@pytest.fixture
def account(merchant):
    charged = merchant.charge("bni_va")
    merchant.control("multi-use", order_id=charged["order_id"])
    return charged


def number(charged):
    return charged["va_numbers"][0]["va_number"]


def pay(merchant, charged, amount):
    return merchant.control("pay", va_number=number(charged), amount=amount)


def listed(merchant, either_id, query=""):
    return merchant.get(f"/v2/{either_id}/status/b2b{query}")


def test_each_payment_is_a_transaction_of_its_own(merchant, inbox, account):
    for amount in (10_000, 20_000, 30_000):
        assert pay(merchant, account, amount)["http"] == 200

    answer = listed(merchant, account["order_id"])
    assert answer["status_code"] == "200"
    assert answer["status_message"] == "Success, transactions are retrieved"
    told = answer["transactions"]
    assert [one["gross_amount"] for one in told] == ["30000.00", "20000.00", "10000.00"]
    assert {one["transaction_status"] for one in told} == {"settlement"}
    assert len({one["transaction_id"] for one in told}) == 3
    assert told[-1]["order_id"] == account["order_id"]
    child = told[0]
    assert child["order_id"].isalnum() and len(child["order_id"]) <= 255
    assert child["va_numbers"] == account["va_numbers"]
    assert inbox.wait_for(child["order_id"], "settlement")["gross_amount"] == "30000.00"
    assert listed(merchant, child["transaction_id"]) == answer


def test_the_list_comes_in_pages(merchant, account):
    for amount in range(1, 14):
        pay(merchant, account, amount)
    pages = [
        [
            one["gross_amount"]
            for one in listed(merchant, account["order_id"], query)["transactions"]
        ]
        for query in ("", "?page=1", "?page=1&per_page=5", "?page=9")
    ]

    assert [len(page) for page in pages] == [10, 3, 5, 0]
    assert pages[0][0] == "13.00"
    assert pages[2][0] == "8.00"


@pytest.mark.parametrize("which", [0, -1])
def test_parent_and_child_close_the_account(merchant, account, which):
    for amount in (1_000, 2_000):
        pay(merchant, account, amount)
    one = listed(merchant, account["order_id"])["transactions"][which]
    closed = merchant.post(f"/v2/{one['transaction_id']}/cancel", {})
    again = merchant.post(f"/v2/{one['transaction_id']}/cancel", {})

    assert (closed["status_code"], closed["transaction_status"]) == ("200", "settlement")
    assert again["status_code"] == "412"
    assert pay(merchant, account, 1_000)["http"] == 409


def test_its_number_is_given_to_nobody_else_until_it_is_closed(merchant, account):
    pay(merchant, account, 1_000)
    wanted = {"bank": "bni", "va_number": number(account)[-8:]}
    other = merchant.charge("bni_va", bank_transfer=wanted)
    merchant.post(f"/v2/{account['order_id']}/cancel", {})
    free = merchant.charge("bni_va", bank_transfer=wanted)

    assert number(other) != number(account)
    assert number(free) == number(account)


def test_an_account_that_nobody_paid_is_cancelled_and_closed(merchant, account):
    cancelled = merchant.post(f"/v2/{account['order_id']}/cancel", {})

    assert cancelled["transaction_status"] == "cancel"
    assert pay(merchant, account, 1_000)["http"] == 409


def test_only_virtual_accounts_can_be_paid_again(merchant):
    order_id = merchant.charge("gopay")["order_id"]

    assert merchant.control("multi-use", order_id=order_id)["http"] == 409
