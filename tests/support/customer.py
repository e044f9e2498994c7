"""The world outside, over HTTP only: people who pay as they were told to, the gateway's own book, and
the merchant's program, which calls us with a key.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import uuid4

import httpx2

SERVER_KEY = "SB-Mid-server-journeys"
CLIENT_KEY = "SB-Mid-client-journeys"

ACCEPTED_CARD = "4411111111111118"  # not enrolled in 3-D Secure: captured at once
SECURE_CARD = "4811111111111114"  # asks for a one-time password
DENIED_CARD = "4711111111111115"
WALLET_PIN = "112233"
CHALLENGED_CARD = "4511111111111117"

# What the answer told the payer to do, and what the payer then hands over to the bank or the till.
HANDED_OVER = {
    "pay_virtual_account": ("va_number", "accountNumber"),
    "pay_bill": ("bill_key", "billKey"),
    "pay_at_store": ("payment_code", "paymentCode"),
}

Fields = dict[str, Any]
T = TypeVar("T")


class Refused(AssertionError):
    """The gateway's control API did not do what the test asked of it."""


class Gateway:
    """The simulator as customers, banks and chaos meet it. `notify_port` is where its notices go."""

    def __init__(self, url: str, notify_port: int) -> None:
        self.url = url
        self.notify_port = notify_port
        self._http = httpx2.AsyncClient(base_url=url, trust_env=False, timeout=10)

    async def close(self) -> None:
        await self._http.aclose()

    # ── people ────────────────────────────────────────────────────────────────────────────────────────────────

    async def pay(self, payment: Fields, **more: Any) -> Fields:
        """The payer follows `nextAction`, and nothing else where that is enough."""
        return await self._about("pay", self._named(payment) | more)

    async def deny(self, payment: Fields) -> Fields:
        return await self._about("deny", {"order_id": order_id(payment)})

    async def expire(self, payment: Fields) -> Fields:
        return await self._about("expire", {"order_id": order_id(payment)})

    async def settle(self, payment: Fields) -> None:
        """The bank's batch, for this card alone."""
        await self.control("settle", order_id=order_id(payment))

    async def reverse(self, payment: Fields) -> Fields:
        return await self._about("reverse", {"order_id": order_id(payment)})

    async def card_token(self, number: str) -> str:
        """What the payer's browser gets, so that no card number comes near us."""
        return str((await self._with_card("/v2/token", number))["token_id"])

    async def saved_card(self, number: str) -> str:
        """What it gets to be charged again and again."""
        return str((await self._with_card("/v2/card/register", number))["saved_token_id"])

    async def linked_wallet(self, phone: str = "81234567891") -> tuple[str, str]:
        """Account and token, once the owner has consented on the page."""
        partner = {"phone_number": phone, "country_code": "62"}
        asked = {"payment_type": "gopay", "gopay_partner": partner}
        made = (await self._http.post("/v2/pay/account", json=asked, auth=(SERVER_KEY, ""))).json()
        await self._http.post(made["actions"][0]["url"], data={"pin": WALLET_PIN})
        path = f"/v2/pay/account/{made['account_id']}"
        shown = (await self._http.get(path, auth=(SERVER_KEY, ""))).json()
        return made["account_id"], shown["metadata"]["payment_options"][0]["token"]

    async def _with_card(self, path: str, number: str) -> Fields:
        card = {
            "card_number": number,
            "card_exp_month": "12",
            "card_exp_year": "2099",
            "card_cvv": "123",
        }
        answer = await self._http.get(path, params={"client_key": CLIENT_KEY, **card})
        return dict(answer.json())

    # ── notices and faults ────────────────────────────────────────────────────────────────────────────────────

    async def fault(
        self, fault: str, order: str = "", *, path: str = "", times: int = 1, seconds: float = 30
    ) -> None:
        """For the next `times` requests about orders that begin so, on paths that contain `path`."""
        match = {"order_id_prefix": order, "path_contains": path}
        await self.control("faults", fault=fault, match=match, times=times, seconds=seconds)

    async def forget_faults(self) -> None:
        await self._http.delete("/_control/faults")
        await self._http.delete("/_control/notices/faults")
        await self.control("outage", on=False)
        await self.control("notices/hold", hold=False, drop=True)

    async def garble_notices(self, **how: Any) -> None:
        await self.control("notices/faults", **how)

    async def outage(self, on: bool) -> None:
        await self.control("outage", on=on)

    async def hold_notices(self) -> None:
        await self.control("notices/hold", hold=True)

    async def release_notices(self, order: str = "") -> int:
        return int((await self.control("notices/hold", hold=False, order=order))["released"])

    async def drop_notices(self) -> int:
        return int((await self.control("notices/hold", hold=False, drop=True))["dropped"])

    async def repeat_notice(self, payment: Fields, times: int) -> None:
        await self.control("notices", order_id=order_id(payment), times=times)

    async def notices(self, payment: Fields) -> list[Fields]:
        answer = await self._http.get("/_control/notices", params={"order_id": order_id(payment)})
        return list(answer.json()["notices"])

    # ── the book ──────────────────────────────────────────────────────────────────────────────────────────────

    async def charges(self, payment: Fields | str) -> list[Fields]:
        """Every transaction it holds for any attempt of this payment: exactly one is right, two are a disaster."""
        payment_id = payment if isinstance(payment, str) else payment["paymentId"]
        return [one for one in await self.book() if one["order_id"].startswith(f"{payment_id}-")]

    async def charge(self, payment: Fields | str) -> Fields:
        (only,) = await self.charges(payment)
        return only

    async def book(self) -> list[Fields]:
        return list((await self._http.get("/_control/transactions")).json()["transactions"])

    async def control(self, act: str, **asked: Any) -> Fields:
        answer = await self._http.post(f"/_control/{act}", json=asked)
        if not answer.is_success:
            raise Refused(f"{act} {asked}: {answer.status_code} {answer.text}")
        return dict(answer.json())

    async def _about(self, act: str, asked: Fields) -> Fields:
        return dict((await self.control(act, **asked))["transaction"])

    def _named(self, payment: Fields) -> Fields:
        action = payment.get("nextAction") or {}
        if token := action.get("sessionToken"):
            return {"snap_token": token}
        if named := HANDED_OVER.get(action.get("type", "")):
            asked, told = named
            return {asked: action[told]}
        return {"order_id": order_id(payment)}


def order_id(payment: Fields) -> str:
    """Of the newest attempt, as the gateway calls it."""
    return str(payment["attempts"][-1]["orderId"])


async def eventually(check: Callable[[], Awaitable[T]], within: float = 15.0) -> T:
    """Ask again until `check` raises no AssertionError; then what it returned."""
    deadline, pause = time.monotonic() + within, 0.02
    while True:
        try:
            return await check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def new_key() -> str:
    return f"test-{uuid4().hex}"


class Caller:
    """One API key in use, against one address."""

    def __init__(self, http: httpx2.AsyncClient, url: str, key: str) -> None:
        self._http, self.url, self.key = http, url, key

    def at(self, url: str) -> "Caller":
        """The same caller at another process of the same service."""
        return Caller(self._http, url, self.key)

    async def get(self, path: str, **params: Any) -> httpx2.Response:
        return await self._http.get(f"{self.url}{path}", params=params, headers=self._headers())

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx2.Response:
        """With an Idempotency-Key of its own unless one is given."""
        headers = self._headers() | {"Idempotency-Key": key or new_key()}
        return await self._http.post(
            f"{self.url}{path}", json={} if body is None else body, headers=headers
        )

    async def put(self, path: str, body: Any) -> httpx2.Response:
        return await self._http.put(f"{self.url}{path}", json=body, headers=self._headers())

    async def delete(self, path: str, **params: Any) -> httpx2.Response:
        return await self._http.delete(f"{self.url}{path}", params=params, headers=self._headers())

    async def send(
        self, method: str, path: str, content: bytes = b"", **headers: str
    ) -> httpx2.Response:
        """Bytes and headers exactly as given, but for who sends them."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._http.request(
            method, f"{self.url}{path}", content=content, headers=self._headers() | given
        )

    # ── payments ──────────────────────────────────────────────────────────────────────────────────────────────

    async def ask(
        self, method: str, amount: int = 99_000, *, key: str | None = None, **more: Any
    ) -> httpx2.Response:
        body = {"amount": amount, "currency": "IDR", "paymentMethod": method, **more}
        return await self.post("/api/v1/payments", body, key=key)

    async def request(self, method: str, amount: int = 99_000, **more: Any) -> Fields:
        """A payment that the gateway took at once."""
        answer = await self.ask(method, amount, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def payment(self, payment: Fields | str) -> Fields:
        answer = await self.get(_path(payment))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def until(self, payment: Fields | str, *statuses: str, within: float = 15.0) -> Fields:
        """The payment, once it is in one of these states."""

        async def reached() -> Fields:
            found = await self.payment(payment)
            assert found["status"] in statuses, f"{found['status']}: {found['attempts']}"
            return found

        return await eventually(reached, within)

    async def refund(
        self, payment: Fields, amount: int | None = None, *, key: str | None = None
    ) -> httpx2.Response:
        body = {"reason": "requested_by_customer"} | ({} if amount is None else {"amount": amount})
        return await self.post(f"{_path(payment)}/refund", body, key=key)

    async def capture(self, payment: Fields, amount: int | None = None) -> httpx2.Response:
        return await self.post(
            f"{_path(payment)}/capture", {} if amount is None else {"amount": amount}
        )

    async def cancel(self, payment: Fields, reason: str = "") -> httpx2.Response:
        return await self.post(f"{_path(payment)}/cancel", {"reason": reason})

    async def topics(self, payment: Fields | str) -> list[str]:
        """What happened to it, oldest first, once the read models show the whole log; entries are `journal.…`."""

        async def whole() -> list[str]:
            answer = await self.get(f"{_path(payment)}/events", pageSize=200)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert page["asOf"]["views"] >= page["asOf"]["head"], page["asOf"]
            return [event["topic"].rsplit(".", 1)[0] for event in page["events"]]

        return await eventually(whole)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}


def _path(payment: Fields | str) -> str:
    return f"/api/v1/payments/{payment if isinstance(payment, str) else payment['paymentId']}"
