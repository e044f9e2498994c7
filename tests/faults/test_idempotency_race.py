"""Two hundred callers with one key: one payment, one charge, and the same answer for all who get one."""

import asyncio
from collections import Counter

import httpx2

from support.customer import Caller, Gateway, eventually, new_key
from support.running import Running, api_process

CALLERS = 200


async def race(callers: list[Caller], key: str, method: str = "bca_va") -> list[httpx2.Response]:
    return await asyncio.gather(
        *(callers[number % len(callers)].ask(method, 50_000, key=key) for number in range(CALLERS))
    )


async def check(
    answers: list[httpx2.Response], system: Running, shop: Caller, gateway: Gateway
) -> None:
    statuses = Counter(answer.status_code for answer in answers)
    served = [answer for answer in answers if answer.is_success]
    refused = [answer for answer in answers if not answer.is_success]
    first = [answer for answer in served if "Idempotent-Replayed" not in answer.headers]
    assert len(first) == 1, statuses
    assert {answer.status_code for answer in refused} <= {409}, statuses
    assert all(answer.json()["type"] == "/problems/request_in_progress" for answer in refused)
    assert all(answer.headers["Retry-After"] == "1" for answer in refused)
    assert len({answer.content for answer in served}) == 1
    payment = served[0].json()

    async def charged() -> None:
        assert len(await gateway.charges(payment)) == 1  # it may act later than it answers

    await eventually(charged, within=3)
    assert (await gateway.charge(payment))["request_count"] == 1
    listed = (await shop.get("/api/v1/payments", pageSize=200)).json()["payments"]
    topics = await shop.topics(payment)
    assert len(listed) <= 1
    assert topics.count("payment.requested") == topics.count("payment.charge_dispatched") == 1
    assert await requested(system) == 1


async def requested(system: Running) -> int:
    async with system.wired.readers.connection() as conn:
        cursor = await conn.execute(
            "select count(*) as found from events where topic like 'payment.requested.%'"
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row["found"])


async def test_one_process_makes_one_payment_of_200_identical_requests(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    answers = await race([shop], new_key())

    await check(answers, system, shop, gateway)


async def test_a_slow_gateway_changes_nothing_about_it(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    await gateway.fault("do_late", path="/v2/charge", seconds=1)

    answers = await race([shop], new_key(), "permata_va")  # a method whose charges know no key

    await check(answers, system, shop, gateway)


async def test_two_processes_make_one_payment_of_200_identical_requests(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    async with api_process(system) as (_, url):
        answers = await race([shop, shop.at(url)], new_key())

        await check(answers, system, shop, gateway)
        again = await race([shop.at(url), shop], new_key())
        assert {answer.status_code for answer in again} <= {201, 202, 409}
        assert len({answer.json()["paymentId"] for answer in again if answer.is_success}) == 1
        assert await requested(system) == 2


async def test_callers_of_two_processes_are_told_how_to_pay_when_the_gateway_answers_in_time(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    """Whoever lost the right to send must not keep a 202 as the answer of the one who has it."""
    async with api_process(system) as (_, url):
        told = Counter[int]()
        for _ in range(8):
            await gateway.fault("do_late", path="/v2/charge", seconds=0.2)
            key, callers = new_key(), (shop, shop.at(url))
            answers = await asyncio.gather(
                *(callers[number % 2].ask("bca_va", 50_000, key=key) for number in range(20))
            )
            told.update(answer.status_code for answer in answers if answer.status_code != 409)

        assert set(told) == {201}
