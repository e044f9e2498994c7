"""The two sides of the story over HTTP: the API as a merchant sees it, the gateway as payers and
banks do.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import httpx2
import msgspec

from api.demo.answers import Accepted, AsOf, Event, Json, Method, Payment, TrialBalance
from api.demo.waiting import until
from api.up import CLIENT_KEY

TIMEOUT_SECONDS: Final = 30.0


class Refused(Exception):
    """Answered with a problem (RFC 9457)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code = status, code


Shape = TypeVar("Shape")


class Api:
    """Payments with a service's key; events and accounts with an auditor's, for a service may not
    read them; erasing persons with an operator's.
    """

    def __init__(self, url: str, service_key: str, auditor_key: str, operator_key: str) -> None:
        keys = (service_key, auditor_key, operator_key)
        self._service, self._auditor, self._operator = (_http(url, key) for key in keys)
        self._public = _http(url)

    async def create(self, body: Mapping[str, Any], key: str = "") -> Accepted:
        return await self._write("/api/v1/payments", body, key)

    async def capture(self, payment_id: str, amount: int) -> Accepted:
        return await self._write(f"/api/v1/payments/{payment_id}/capture", {"amount": amount})

    async def cancel(self, payment_id: str) -> Accepted:
        return await self._write(
            f"/api/v1/payments/{payment_id}/cancel", {"reason": "changed their mind"}
        )

    async def refund(self, payment_id: str, amount: int | None = None) -> Accepted:
        body = {"reason": "sent back"} | ({"amount": amount} if amount is not None else {})
        return await self._write(f"/api/v1/payments/{payment_id}/refund", body)

    async def get(self, payment_id: str) -> Payment:
        return await _read(self._service, f"/api/v1/payments/{payment_id}", Payment)

    async def payment_ids(self) -> list[str]:
        return [
            row["paymentId"]
            async for row in self._rows("/api/v1/payments", "payments", self._service)
        ]

    async def events(self, payment_id: str) -> list[Event]:
        path = f"/api/v1/payments/{payment_id}/events"
        return [
            msgspec.convert(row, Event) async for row in self._rows(path, "events", self._auditor)
        ]

    async def methods(self, amount: int) -> list[Method]:
        path = f"/api/v1/payment-methods?country=ID&amount={amount}"
        return msgspec.convert((await _read(self._service, path, Json))["methods"], list[Method])

    async def trial_balance(self) -> TrialBalance:
        """Once the read models show the whole log."""
        return await until(
            lambda: _read(self._auditor, "/api/v1/trial-balance", TrialBalance),
            lambda it: it.as_of.is_complete,
        )

    async def explain(self, path: str) -> Json:
        """The tree, or the part of it that a `more` leads to."""
        told = await _read(self._auditor, path, Json)
        return dict(told["explanation"])

    async def read(self, path: str) -> Json:
        return await _read(self._service, path, Json)

    async def all(self, path: str, name: str, **query: str) -> list[Json]:
        return [row async for row in self._rows(path, name, self._service, **query)]

    async def post(self, path: str, body: Json) -> Json:
        return await self._send("POST", path, body)

    async def put(self, path: str, body: Json) -> Json:
        return await self._send("PUT", path, body)

    async def delete(self, path: str, body: Json) -> Json:
        return await self._send("DELETE", path, body)

    async def erase(self, customer_id: str, wish: Json) -> Json:
        path = f"/api/v1/customers/{customer_id}/personal-data"
        answer = _checked(await self._operator.request("DELETE", path, json=wish))
        return msgspec.json.decode(answer.content, type=Json)

    async def receive_notice(self, body: bytes) -> None:
        """As Midtrans does: without a key of ours."""
        headers = {"Content-Type": "application/json"}
        _checked(
            await self._public.post("/api/v1/webhooks/midtrans", content=body, headers=headers)
        )

    async def close(self) -> None:
        for http in (self._service, self._auditor, self._operator, self._public):
            await http.aclose()

    async def _send(self, method: str, path: str, body: Json) -> Json:
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        answer = _checked(await self._service.request(method, path, json=body, headers=headers))
        return msgspec.json.decode(answer.content, type=Json)

    async def _write(self, path: str, body: Mapping[str, Any], key: str = "") -> Accepted:
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        answer = _checked(await self._service.post(path, json=dict(body), headers=headers))
        payment = msgspec.json.decode(answer.content, type=Payment)
        return Accepted(answer.status_code, payment, "idempotent-replayed" in answer.headers)

    async def _rows(
        self, path: str, name: str, http: httpx2.AsyncClient, **query: str
    ) -> AsyncIterator[Json]:
        """Of all pages, once they show the whole log."""
        cursor: Json = query
        while True:
            page = await until(partial(_page, http, path, cursor), _is_complete)
            for row in page[name]:
                yield row
            if not page["nextCursor"]:
                return
            cursor = query | {"cursor": page["nextCursor"]}


class Gateway:
    """What payers, banks and bad luck do at the simulated Midtrans."""

    def __init__(self, url: str) -> None:
        self._http = _http(url)

    async def act(self, name: str, **asked: Any) -> Json:
        answer = _checked(await self._http.post(f"/_control/{name}", json=asked))
        return msgspec.json.decode(answer.content, type=Json)

    async def transactions(self) -> list[Json]:
        return list((await _read(self._http, "/_control/transactions", Json))["transactions"])

    async def notices(self, order_id: str) -> list[Json]:
        return list(
            (await _read(self._http, f"/_control/notices?order_id={order_id}", Json))["notices"]
        )

    async def card_token(self, number: str) -> str:
        """As the payer's browser gets it: the merchant never sees the number."""
        card = {
            "card_number": number,
            "card_exp_month": "12",
            "card_exp_year": "2099",
            "card_cvv": "123",
        }
        answer = _checked(
            await self._http.get("/v2/token", params={"client_key": CLIENT_KEY, **card})
        )
        return str(msgspec.json.decode(answer.content, type=Json)["token_id"])

    async def saved_card(self, number: str) -> Json:
        """As the payer's browser saves it with the gateway, in the shape of our API."""
        card = {"card_number": number, "card_exp_month": "12", "card_exp_year": "2099"}
        answer = _checked(
            await self._http.get("/v2/card/register", params={"client_key": CLIENT_KEY, **card})
        )
        saved = msgspec.json.decode(answer.content, type=Json)
        return {
            "token": saved["saved_token_id"],
            "masked": saved["masked_card"],
            "expiresOn": "2099-12",
        }

    async def enter_password(self, page: str, password: str) -> None:
        """On the bank's own 3-D Secure page."""
        _checked(await self._http.post(page, data={"otp": password}))

    async def close(self) -> None:
        await self._http.aclose()


def _http(url: str, key: str = "") -> httpx2.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx2.AsyncClient(
        base_url=url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False
    )


async def _read(http: httpx2.AsyncClient, path: str, shape: type[Shape]) -> Shape:
    return msgspec.json.decode(_checked(await http.get(path)).content, type=shape)


async def _page(http: httpx2.AsyncClient, path: str, cursor: Json) -> Json:
    query = {"pageSize": "200", **cursor}
    return msgspec.json.decode(_checked(await http.get(path, params=query)).content, type=Json)


def _is_complete(page: Json) -> bool:
    return msgspec.convert(page["asOf"], AsOf).is_complete


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code < 400:
        return answer
    try:
        problem = msgspec.json.decode(answer.content, type=Json)
    except msgspec.MsgspecError:
        problem = {}
    code = str(problem.get("type", "")).rpartition("/")[2]
    words = str(problem.get("detail") or problem.get("title") or problem.get("error") or "")
    raise Refused(answer.status_code, code, words)
