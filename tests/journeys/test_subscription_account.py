"""Bills that are sent, to be paid into a virtual account: the first at once, later ones ahead."""

from support.market import Market, payment
from support.moving import Moving


async def test_a_bill_is_sent_ahead_and_paid_in_time(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.customer(), "bca_va")
    asked = payment(bought)["nextAction"]
    assert (bought["status"], bought["access"]) == ("incomplete", False)
    assert (asked["type"], asked["bank"]) == ("pay_virtual_account", "bca")

    await market.gateway.pay(payment(bought))
    await life.rest()
    paid = await market.read(bought)
    assert (paid["status"], paid["access"], paid["openBills"]) == ("active", True, [])

    await life.pass_by(days=25, stride_days=1)
    ahead = await market.read(bought)
    assert (ahead["currentPeriod"]["number"], ahead["openBills"][0]["period"]) == (1, 2)
    assert ahead["openBills"][0]["dueAt"] == "2027-02-28T03:00:00Z"

    await market.gateway.pay(payment(ahead))
    await life.pass_by(days=3, stride_days=1)
    renewed = await market.read(bought)
    assert (renewed["status"], renewed["currentPeriod"]["number"]) == ("active", 2)
    assert renewed["openBills"] == []
    assert [(await market.newest_bill(bought, n))["status"] for n in (1, 2)] == ["paid", "paid"]


async def test_a_bill_tells_lines_tax_payments_and_what_is_earned(
    life: Moving, market: Market
) -> None:
    bought = await market.subscribe(await market.plan(), await market.customer(), "bca_va")
    await market.gateway.pay(payment(bought))
    await life.pass_by(days=14, stride_days=14)

    bill = await market.newest_bill(bought, 1)

    assert [line["words"] for line in bill["lines"]] == ["Pro"]
    assert bill["tax"] == {
        "mode": "inclusive",
        "base": 89_189,
        "otherBase": 81_757,
        "rate": 12,
        "amount": 9_811,
        "words": "PPN 12 % of 11/12 of the price",
    }
    assert bill["amount"] == {"net": 89_189, "tax": 9_811, "total": 99_000}
    assert (bill["status"], bill["toPay"], bill["creditUsed"]) == ("paid", 99_000, 0)
    assert [one["status"] for one in bill["payments"]] == ["settled"]
    assert bill["recognised"] == 89_189 * 14 // 28
    assert bill["recognised"] + bill["unearned"] == 89_189
    books = await life.system.books()
    assert books["Liabilities:DeferredRevenue:pro"] == -bill["unearned"]


async def test_who_never_pays_the_first_bill_has_never_begun(life: Moving, market: Market) -> None:
    bought = await market.subscribe(await market.plan(), await market.customer(), "qris")

    await life.pass_by(days=1)

    gone = await market.read(bought)
    assert (gone["status"], gone["access"], gone["openBills"]) == ("expired", False, [])
    assert (await market.newest_bill(bought, 1))["status"] == "void"
