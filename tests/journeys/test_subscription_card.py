"""A card that was saved pays each period by itself; one that fails is dunned, and falls back."""

from support.market import Market
from support.moving import Moving


async def test_a_card_renews_a_month_later(life: Moving, market: Market) -> None:
    plan, customer = await market.plan(), await market.with_card()

    bought = await market.subscribe(plan, customer)
    assert (bought["status"], bought["access"], bought["openBills"]) == ("active", True, [])
    assert bought["currentPeriod"]["endsAt"] == "2027-02-28T03:00:00Z"
    assert bought["nextRenewal"]["startsAt"] == "2027-02-28T03:00:00Z"
    assert bought["nextRenewal"]["bill"]["toPay"] == 99_000

    await life.pass_by(days=28, stride_days=1)
    renewed = await market.read(bought)

    assert (renewed["status"], renewed["currentPeriod"]["number"]) == ("active", 2)
    assert renewed["paidUntil"] == "2027-03-31T03:00:00Z"  # back on the 31st
    second = await market.newest_bill(bought, 2)
    assert (second["status"], second["payments"][0]["status"]) == ("paid", "captured")
    assert len(await market.gateway.charges(second["payments"][0])) == 1
