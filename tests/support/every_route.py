"""Every route of the API asked at once, each with a stopwatch, before, during and after a fault."""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import httpx2
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from support.customer import SERVER_KEY, Caller, Fields, eventually, new_key, order_id
from support.running import Running

ANSWERED_WITHIN_SECONDS = 5.0
RECOVERED_WITHIN_SECONDS = 10.0
IMPORTED = 501  # two slices of a bulk import, one after the other

NEEDS_NOBODY = frozenset({"GET /health", "GET /openapi.json"})
# Answered from what was read a moment ago: a method's health for a second, an API key for five.
REMEMBERED = frozenset({"GET /api/v1/payment-methods", "GET /metrics"})
MONTHLY = {"name": "Monthly", "price": 99_000, "interval": {"unit": "month"}}
LINKED = {"kind": "gopay", "accountId": "none", "token": "eyJ-none"}
NOTICE = "POST /api/v1/webhooks/midtrans"

Ask = Callable[[], Awaitable[httpx2.Response]]


@dataclass(frozen=True)
class Timed:
    answer: httpx2.Response
    seconds: float

    def __str__(self) -> str:
        retry = self.answer.headers.get("Retry-After")
        return f"{self.answer.status_code} after {self.seconds:.1f} s, Retry-After {retry}"


@dataclass(frozen=True)
class EveryRoute:
    """`payment` waits for its payer, `ended` was cancelled: what is asked of them changes nothing."""

    shop: Caller
    payment: Fields
    ended: Fields
    normal: dict[str, int] = field(default_factory=dict)  # the status of each, before any fault

    @classmethod
    async def of(cls, shop: Caller) -> "EveryRoute":
        payment, ended = [await shop.request("bca_va", 50_000) for _ in range(2)]
        answer = await shop.cancel(ended)
        assert answer.status_code == 200, answer.text
        every = cls(shop, payment, ended)

        async def served() -> dict[str, int]:
            found = await every.statuses()
            assert max(found.values()) < 500, found
            assert found["POST /api/v1/payments"] == 201, "202: the gateway was slow just then"
            return found

        every.normal.update(await eventually(served))
        return every

    def requests(self) -> dict[str, Ask]:
        shop, one = self.shop, f"/api/v1/payments/{self.payment['paymentId']}"
        entries = "/api/v1/accounts/Assets:Gateway:Midtrans:Pending/entries"
        items = [imported(f"{new_key()}-{number}") for number in range(IMPORTED)]
        genuine = notice(order_id(self.payment))
        return {
            "POST /api/v1/payments": lambda: shop.ask("bca_va", 50_000),
            "GET /api/v1/payments": lambda: shop.get("/api/v1/payments"),
            "GET /api/v1/payments/{payment_id}": lambda: shop.get(one),
            "GET /api/v1/payments/{payment_id}/events": lambda: shop.get(f"{one}/events"),
            "POST /api/v1/payments/{payment_id}/capture": lambda: shop.post(f"{one}/capture"),
            "POST /api/v1/payments/{payment_id}/cancel": lambda: shop.cancel(self.ended),
            "POST /api/v1/payments/{payment_id}/refund": lambda: shop.refund(self.payment),
            "POST /api/v1/payments/bulk": lambda: shop.post(
                "/api/v1/payments/bulk", {"items": items}
            ),
            "GET /api/v1/payment-methods": lambda: shop.get(
                "/api/v1/payment-methods", amount=50_000
            ),
            "GET /api/v1/accounts": lambda: shop.get("/api/v1/accounts"),
            "GET /api/v1/accounts/{account}": lambda: shop.get(entries.removesuffix("/entries")),
            "GET /api/v1/accounts/{account}/entries": lambda: shop.get(entries),
            "GET /api/v1/trial-balance": lambda: shop.get("/api/v1/trial-balance"),
            **self._selling(),
            **self._subscribing(),
            **self._looking_back(),
            **self._about_persons(),
            NOTICE: lambda: shop.send("POST", "/api/v1/webhooks/midtrans", genuine),
            "GET /health": lambda: shop.get("/health"),
            "GET /ready": lambda: shop.get("/ready"),
            "GET /metrics": lambda: shop.get("/metrics"),
            "GET /openapi.json": lambda: shop.get("/openapi.json"),
        }

    def _selling(self) -> dict[str, Ask]:
        """New ones are made each time; what is asked of others is asked of none that is there."""
        shop, customer = self.shop, "/api/v1/customers/nobody"
        return {
            "POST /api/v1/customers": lambda: shop.post("/api/v1/customers", {"name": "Siti"}),
            "GET /api/v1/customers": lambda: shop.get("/api/v1/customers"),
            "GET /api/v1/customers/{customer_id}": lambda: shop.get(customer),
            "PUT /api/v1/customers/{customer_id}": lambda: shop.put(customer, {"name": "Siti"}),
            "POST /api/v1/customers/{customer_id}/payment-methods": lambda: shop.post(
                f"{customer}/payment-methods", LINKED
            ),
            "DELETE /api/v1/customers/{customer_id}/payment-methods/{method_id}": lambda: (
                shop.delete(f"{customer}/payment-methods/pm_{'0' * 26}")
            ),
            "PUT /api/v1/customers/{customer_id}/preferred-method": lambda: shop.put(
                f"{customer}/preferred-method", {"method": "bca_va"}
            ),
            "POST /api/v1/plans": lambda: shop.post(
                "/api/v1/plans", MONTHLY | {"planId": new_key()}
            ),
            "GET /api/v1/plans": lambda: shop.get("/api/v1/plans"),
            "GET /api/v1/plans/{plan_id}": lambda: shop.get("/api/v1/plans/none"),
            "POST /api/v1/plans/{plan_id}/versions": lambda: shop.post(
                "/api/v1/plans/none/versions", MONTHLY
            ),
            "DELETE /api/v1/plans/{plan_id}": lambda: shop.delete("/api/v1/plans/none"),
            "POST /api/v1/coupons": lambda: shop.post(
                "/api/v1/coupons", {"code": f"T-{uuid4().hex[:20].upper()}", "percent": 10}
            ),
            "GET /api/v1/coupons": lambda: shop.get("/api/v1/coupons"),
            "GET /api/v1/coupons/{code}": lambda: shop.get("/api/v1/coupons/NONE"),
            "DELETE /api/v1/coupons/{code}": lambda: shop.delete("/api/v1/coupons/NONE"),
        }

    def _subscribing(self) -> dict[str, Ask]:
        """Of subscriptions that are not there, and to a plan that is not."""
        shop, path = self.shop, "/api/v1/subscriptions"
        one = f"{path}/sub_{'0' * 26}"
        sold = {"planId": "none", "customerId": "nobody", "paymentMethod": "bca_va"}
        ended = b'{"reason":"enough"}'

        def send(method: str, where: str, content: bytes = b"") -> Ask:
            return lambda: shop.send(method, where, content, Idempotency_Key=new_key())

        template = f"{path}/{{subscription_id}}"
        return {
            f"POST {path}": lambda: shop.post(path, sold),
            f"GET {template}": lambda: shop.get(one),
            f"PUT {template}": send("PUT", one, b'{"quantity":2}'),
            f"DELETE {template}": send("DELETE", one, ended),
            f"POST {template}/preview": lambda: shop.post(f"{one}/preview", {"quantity": 2}),
            f"POST {template}/pause": send("POST", f"{one}/pause", ended),
            f"POST {template}/resume": send("POST", f"{one}/resume"),
            f"POST {template}/reactivate": send("POST", f"{one}/reactivate"),
            f"POST {template}/missed-periods": send("POST", f"{one}/missed-periods"),
            f"DELETE {template}/scheduled-change": send("DELETE", f"{one}/scheduled-change"),
            "GET /api/v1/bills/{bill_id}": lambda: shop.get(f"/api/v1/bills/bill_{'0' * 26}_1"),
        }

    def _looking_back(self) -> dict[str, Ask]:
        """Lists and reports of what was sold."""
        get, api = self.shop.get, "/api/v1"
        sub, bill = f"{api}/subscriptions", f"{api}/bills"
        report = f"{api}/reports/recurring_revenue"
        month = f"{report}/{{month}}"
        return {
            f"GET {sub}": lambda: get(sub),
            f"GET {sub}/{{subscription_id}}/events": lambda: get(f"{sub}/sub_{'0' * 26}/events"),
            f"GET {api}/renewals": lambda: get(f"{api}/renewals", until="2027-01-01T00:00:00Z"),
            f"GET {bill}": lambda: get(bill),
            f"GET {bill}/{{bill_id}}/events": lambda: get(f"{bill}/bill_{'0' * 26}_1/events"),
            f"GET {api}/customers/{{customer_id}}/overview": lambda: get(
                f"{api}/customers/nobody/overview"
            ),
            f"GET {api}/reports": lambda: get(f"{api}/reports", names="bills,fees"),
            f"GET {api}/reports/{{name}}": lambda: get(report, **{"from": "2026-01-01"}),
            f"GET {month}/movements": lambda: get(f"{report}/2026-01/movements"),
            f"GET {month}/subscriptions": lambda: get(f"{report}/2026-01/subscriptions"),
            **self._explaining(),
        }

    def _explaining(self) -> dict[str, Ask]:
        get, api = self.shop.get, "/api/v1/explain"
        return {
            f"GET {api}/accounts/{{account}}": lambda: get(
                f"{api}/accounts/Assets:Gateway:Midtrans:Pending"
            ),
            f"GET {api}/payments/{{payment_id}}": lambda: get(
                f"{api}/payments/{self.payment['paymentId']}"
            ),
            f"GET {api}/subscriptions/{{subscription_id}}": lambda: get(
                f"{api}/subscriptions/sub_{'0' * 26}"
            ),
            f"GET {api}/recurring/{{month}}": lambda: get(f"{api}/recurring/2026-01"),
        }

    def _about_persons(self) -> dict[str, Ask]:
        """Of nobody: nothing is shown and nothing erased."""
        template = "/api/v1/customers/{customer_id}/personal-data"
        one, shop = template.format(customer_id="nobody"), self.shop
        erase, hold = b'{"reason":"asked_by_person"}', {"basis": "dispute"}
        return {
            f"GET {template}": lambda: shop.get(one),
            f"DELETE {template}": lambda: shop.send("DELETE", one, erase),
            f"PUT {template}/hold": lambda: shop.put(f"{one}/hold", hold),
            f"DELETE {template}/hold": lambda: shop.delete(f"{one}/hold"),
        }

    async def ask(self) -> dict[str, Timed]:
        asked = self.requests()
        answers = await asyncio.gather(*map(timed, asked.values()))
        return dict(zip(asked, answers, strict=True))

    async def statuses(self) -> dict[str, int]:
        return {name: timed.answer.status_code for name, timed in (await self.ask()).items()}

    async def wrong_without_database(self) -> list[str]:
        """What was not answered as it should be while nothing can be had from PostgreSQL."""
        return [
            f"{name}: {timed}"
            for name, timed in (await self.ask()).items()
            if timed.seconds > ANSWERED_WITHIN_SECONDS or not self._is_right(name, timed.answer)
        ]

    def _is_right(self, name: str, answer: httpx2.Response) -> bool:
        if name in NEEDS_NOBODY:
            return answer.is_success
        if name == NOTICE:
            return answer.status_code == 502
        return refused(answer) or (name in REMEMBERED and answer.is_success)

    async def wrong_where_served_or_refused(self) -> list[str]:
        """The same while something can be had: as ever, or refused as above."""
        return [
            f"{name}: {timed}"
            for name, timed in (await self.ask()).items()
            if timed.seconds > ANSWERED_WITHIN_SECONDS
            or not (
                timed.answer.status_code == self.normal[name] or self._is_right(name, timed.answer)
            )
        ]

    async def recover(self) -> None:
        """Each is answered as before the fault, all of them and soon enough."""

        async def as_before() -> None:
            found = await self.statuses()
            other = {name: status for name, status in found.items() if status != self.normal[name]}
            assert other == {}, other

        began = time.monotonic()
        await eventually(as_before, RECOVERED_WITHIN_SECONDS)
        assert time.monotonic() - began < RECOVERED_WITHIN_SECONDS


async def timed(ask: Ask) -> Timed:
    began = time.monotonic()
    answer = await ask()
    return Timed(answer, time.monotonic() - began)


def refused(answer: httpx2.Response) -> bool:
    return answer.status_code == 503 and "Retry-After" in answer.headers


def routes_of(app: FastAPI) -> set[str]:
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or set()) - {"HEAD"}
    }


def imported(reference: str) -> Fields:
    return {
        "reference": reference,
        "amount": 99_000,
        "paymentMethod": "gopay",
        "settledAt": "2026-11-20T10:00:00+07:00",
    }


def notice(order: str) -> bytes:
    """Genuine, and never the same twice."""
    signed = hashlib.sha512(f"{order}20050000.00{SERVER_KEY}".encode()).hexdigest()
    fields = {
        "order_id": order,
        "status_code": "200",
        "gross_amount": "50000.00",
        "signature_key": signed,
        "transaction_id": str(uuid4()),
        "transaction_status": "pending",
        "fraud_status": "accept",
    }
    return json.dumps(fields).encode()


class Busy:
    """Callers who keep asking for payments while things happen, and know what they were told."""

    def __init__(self, shop: Caller, callers: int = 4) -> None:
        self.answers: dict[str, Timed] = {}
        self._shop = shop
        self._stop = asyncio.Event()
        self._callers = [asyncio.create_task(self._keep_asking()) for _ in range(callers)]

    async def _keep_asking(self) -> None:
        while not self._stop.is_set():
            key = new_key()
            self.answers[key] = await timed(partial(self._shop.ask, "bca_va", 50_000, key=key))
            await asyncio.sleep(0.01)

    async def have(self, answers: int) -> None:
        async def enough() -> None:
            assert len(self.answers) >= answers

        await eventually(enough)

    async def refused(self, times: int) -> None:
        async def often_enough() -> None:
            assert sum(refused(told.answer) for told in self.answers.values()) >= times

        await eventually(often_enough)

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._callers)

    def wrong(self) -> list[str]:
        return [
            str(timed)
            for timed in self.answers.values()
            if timed.seconds > ANSWERED_WITHIN_SECONDS
            or not (timed.answer.status_code in (201, 202) or refused(timed.answer))
        ]

    async def lost(self) -> list[str]:
        """Payments that were acknowledged and cannot be read any more."""
        told = [t.answer.json()["paymentId"] for t in self.answers.values() if t.answer.is_success]
        found = await asyncio.gather(*(self._shop.get(f"/api/v1/payments/{one}") for one in told))
        return [one for one, answer in zip(told, found, strict=True) if answer.status_code != 200]


async def worker_goes_on(
    system: Running, shop: Caller, within: float = RECOVERED_WITHIN_SECONDS
) -> None:
    """What needs it from end to end: a payment is paid, its notice asked after, the books show it."""
    payment = await shop.request("bca_va", 50_000)
    await system.gateway.pay(payment)
    await shop.until(payment, "settled", within=within)
    settled = await system.log_length()  # others go on writing

    async def in_the_books() -> None:
        page = (await shop.get("/api/v1/trial-balance")).json()
        assert page["asOf"]["money"] >= settled, page["asOf"]
        assert set(page["totals"].values()) == {0}

    await eventually(in_the_books, within)
