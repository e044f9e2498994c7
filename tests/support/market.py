"""A merchant who sells subscriptions, over HTTP: plans, customers with saved cards, and what they buy."""

import json
from typing import Any, Final

import httpx2

from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway, new_key

MONTHLY: Final = {"interval": {"unit": "month"}}
SITI: Final = {"name": "Siti Rahayu", "email": "siti@example.id", "phone": "+6281234567890"}
SUBSCRIPTIONS: Final = "/api/v1/subscriptions"


class Market:
    def __init__(self, shop: Caller, gateway: Gateway) -> None:
        self.shop, self.gateway = shop, gateway

    async def plan(self, plan_id: str = "pro", price: int = 99_000, **more: Any) -> str:
        body = {"planId": plan_id, "name": plan_id.capitalize(), "price": price, **MONTHLY, **more}
        return str(told(await self.shop.post("/api/v1/plans", body), 201)["planId"])

    async def coupon(self, code: str, **terms: Any) -> str:
        told(await self.shop.post("/api/v1/coupons", {"code": code, **terms}), 201)
        return code

    async def customer(self) -> str:
        return str(told(await self.shop.post("/api/v1/customers", SITI), 201)["customerId"])

    async def card(self, customer_id: str, number: str = ACCEPTED_CARD) -> str:
        """Saved; the id of the method."""
        card = {
            "kind": "card",
            "token": await self.gateway.saved_card(number),
            "masked": f"{number[:8]}-{number[-4:]}",
            "expiresOn": "2099-12",
        }
        where = f"/api/v1/customers/{customer_id}/payment-methods"
        return str(told(await self.shop.post(where, card), 201)["methodId"])

    async def with_card(self, number: str = ACCEPTED_CARD) -> str:
        customer_id = await self.customer()
        await self.card(customer_id, number)
        return customer_id

    # ── subscriptions ─────────────────────────────────────────────────────────────────────────────────────────

    async def ask(
        self, plan_id: str, customer_id: str, method: str, *, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        body = {"planId": plan_id, "customerId": customer_id, "paymentMethod": method, **more}
        return await self.shop.post(SUBSCRIPTIONS, body, key=key)

    async def subscribe(
        self, plan_id: str, customer_id: str, method: str = "auto_debit", **more: Any
    ) -> Fields:
        return told(await self.ask(plan_id, customer_id, method, **more), 201)

    async def read(self, subscription: Fields) -> Fields:
        return told(await self.shop.get(path(subscription)))

    async def bill(self, bill_id: str) -> Fields:
        return told(await self.shop.get(f"/api/v1/bills/{bill_id}"))

    async def newest_bill(self, subscription: Fields, number: int) -> Fields:
        return await self.bill(bill_id(subscription, number))

    async def preview(self, subscription: Fields, **asked: Any) -> httpx2.Response:
        return await self.shop.post(f"{path(subscription)}/preview", asked)

    async def change(
        self, subscription: Fields, *, if_match: str = "", **asked: Any
    ) -> httpx2.Response:
        return await self.send("PUT", path(subscription), asked, if_match)

    async def end(
        self, subscription: Fields, *, if_match: str = "", **asked: Any
    ) -> httpx2.Response:
        return await self.send("DELETE", path(subscription), {"reason": "enough"} | asked, if_match)

    async def act(self, subscription: Fields, act: str, **asked: Any) -> httpx2.Response:
        return await self.send("POST", f"{path(subscription)}/{act}", asked)

    async def withdraw_change(self, subscription: Fields) -> httpx2.Response:
        return await self.send("DELETE", f"{path(subscription)}/scheduled-change", None)

    async def send(
        self, method: str, where: str, body: Any, if_match: str = "", key: str = ""
    ) -> httpx2.Response:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Idempotency_Key": key or new_key()} | (
            {"If_Match": if_match} if if_match else {}
        )
        return await self.shop.send(method, where, content, **headers)


def told(answer: httpx2.Response, status: int = 200) -> Fields:
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def path(subscription: Fields) -> str:
    return f"{SUBSCRIPTIONS}/{subscription['subscriptionId']}"


def bill_id(subscription: Fields, number: int) -> str:
    return f"bill_{subscription['subscriptionId'].removeprefix('sub_')}_{number}"


def payment(subscription: Fields) -> Fields:
    """The newest one for the oldest bill that is open."""
    return dict(subscription["openBills"][0]["payment"])
