"""The port, operation by operation. It translates and decides nothing; every outcome is read in
`answers`.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

import msgspec

from ledger import clock
from ledger.money import Money
from ledger.providers.midtrans import answers, hosted, requests, wallets
from ledger.providers.midtrans.answers import Asked, Reply
from ledger.providers.midtrans.connection import Connection
from ledger.providers.midtrans.hosted import Page
from ledger.providers.midtrans.notices import read_notice
from ledger.providers.midtrans.verdicts import Operation
from ledger.providers.port import (
    NEVER_SEEN,
    ChargeOrder,
    Did,
    DidNot,
    Listener,
    Notice,
    ObservedRefund,
    Outcome,
    Unknown,
    nobody_listens,
)

SNAP_PATH: Final = "/snap/v1/transactions"


class Midtrans:
    """`shop_url` is where payers come back to from a wallet or the hosted page; empty: the
    gateway's own page.
    """

    name = "Midtrans"

    def __init__(
        self,
        *,
        server_key: str,
        core_url: str,
        snap_url: str,
        charge_seconds: float = 10.0,
        inquiry_seconds: float = 5.0,
        connect_seconds: float = 3.0,
        max_connections: int = 4096,  # as many requests as a process works on at once
        shop_url: str = "",
        listener: Listener = nobody_listens,
    ) -> None:
        self._server_key = server_key
        self._core_url, self._snap_url = core_url.rstrip("/"), snap_url.rstrip("/")
        self._charge_seconds, self._inquiry_seconds = charge_seconds, inquiry_seconds
        self._shop_url = shop_url
        self._listener = listener
        self._connection = Connection(
            server_key, connect_seconds=connect_seconds, max_connections=max_connections
        )

    async def charge(self, order: ChargeOrder) -> Outcome:
        if order.method.mapping.api == "snap":
            return await self._open_session(order)
        if order.saved == "gopay":
            return await self._charge_wallet(order)
        return await self._charge(order)

    async def _charge_wallet(self, order: ChargeOrder) -> Outcome:
        token = wallets.current_token(await self._look_at(order.account_id), order.saved_token)
        if isinstance(token, DidNot):
            return token
        charged = await self._charge(msgspec.structs.replace(order, saved_token=token))
        return wallets.after_charge(charged)

    async def _look_at(self, account_id: str) -> Reply | DidNot | Unknown:
        url = f"{self._core_url}/v2/pay/account/{quote(account_id, safe='')}"
        return await self._connection.exchange("GET", url, seconds=self._inquiry_seconds)

    async def _charge(self, order: ChargeOrder) -> Outcome:
        body = requests.charge(order, self._shop_url)
        asked = Asked("charge", order.order_id)
        if not requests.honours_key(order):
            return await self._post(asked, "/v2/charge", body)
        return await self._post(asked, "/v2/charge", body, effect="charge")

    async def inquire(self, order_id: str, transaction_id: str = "") -> Outcome:
        async def ask(known_as: str, source: str) -> Outcome:
            url = f"{self._core_url}{_path(known_as, 'status')}"
            reply = await self._connection.exchange(
                "GET", url, seconds=self._inquiry_seconds, source=source
            )
            return self._outcome(reply, Asked("inquiry", order_id))

        return await _by_either_id(ask, order_id, transaction_id)

    async def capture(self, order_id: str, transaction_id: str, amount: Money) -> Outcome:
        body = {"transaction_id": transaction_id, "gross_amount": amount.minor}
        asked = Asked("capture", order_id)
        return await self._post(asked, "/v2/capture", body, effect=f"capture {amount.minor}")

    async def cancel(
        self, order_id: str, session_token: str = "", transaction_id: str = ""
    ) -> Outcome:
        """With a token, `never_seen` also says that the page is closed: nobody can pay there any
        more.
        """
        outcome = await self._act("cancel", order_id, transaction_id)
        if session_token and _never_seen(outcome):
            return await self._close_session(order_id, session_token, outcome)
        return outcome

    async def expire(self, order_id: str) -> Outcome:
        return await self._act("expire", order_id)

    async def approve(self, order_id: str) -> Outcome:
        return await self._act("approve", order_id)

    async def deny(self, order_id: str) -> Outcome:
        return await self._act("deny", order_id)

    async def refund(
        self, order_id: str, refund_id: str, amount: Money, reason: str, transaction_id: str = ""
    ) -> Outcome:
        asked = Asked("refund", order_id, ObservedRefund(refund_id=refund_id, amount=amount))
        body = requests.refund(refund_id, amount.minor, reason)

        async def ask(known_as: str, source: str) -> Outcome:
            path = _path(known_as, "refund")
            return await self._post(asked, path, body, effect=f"refund {refund_id}", source=source)

        return await _by_either_id(ask, order_id, transaction_id)

    def read_notice(self, body: bytes) -> Notice:
        return read_notice(body, self._server_key)

    async def close(self) -> None:
        await self._connection.close()

    async def _open_session(self, order: ChargeOrder) -> Outcome:
        """No idempotency key (1.4): asking again for the same order id gives a new page for the
        same order.
        """
        reply = await self._connection.exchange(
            "POST",
            f"{self._snap_url}{SNAP_PATH}",
            seconds=self._charge_seconds,
            body=msgspec.json.encode(requests.session(order, self._shop_url)),
        )
        if isinstance(reply, Reply):
            return self._heard(hosted.read_opening(reply, order, clock.now()), reply)
        return reply

    async def _close_session(self, order_id: str, token: str, never_seen: Outcome) -> Outcome:
        """The payer may choose a method just now: then there is something to cancel after all."""
        url = f"{self._snap_url}{SNAP_PATH}/{quote(token, safe='')}/cancel"
        reply = await self._connection.exchange("POST", url, seconds=self._charge_seconds)
        if not isinstance(reply, Reply):
            return reply
        page = hosted.read_closing(reply)
        if page is Page.CLOSED:
            return never_seen
        cancelled = await self._act("cancel", order_id) if page is Page.IN_USE else never_seen
        return (
            Unknown(cause="page_still_open", detail=page.value)
            if _never_seen(cancelled)
            else cancelled
        )

    async def _act(self, operation: Operation, order_id: str, transaction_id: str = "") -> Outcome:
        async def ask(known_as: str, source: str) -> Outcome:
            asked = Asked(operation, order_id)
            return await self._post(
                asked, _path(known_as, operation), {}, effect=operation, source=source
            )

        return await _by_either_id(ask, order_id, transaction_id)

    async def _post(
        self, asked: Asked, path: str, body: requests.Body, *, effect: str = "", source: str = ""
    ) -> Outcome:
        """`effect` names what must happen once for this order id; empty where the gateway ignores
        keys.
        """
        reply = await self._connection.exchange(
            "POST",
            f"{self._core_url}{path}",
            seconds=self._charge_seconds,
            body=msgspec.json.encode(body),
            key=requests.idempotency_key(asked.order_id, effect) if effect else "",
            source=source,
        )
        return self._outcome(reply, asked)

    def _outcome(self, reply: Reply | Outcome, asked: Asked) -> Outcome:
        if isinstance(reply, Reply):
            return self._heard(answers.read(reply, asked, self._core_url), reply)
        return reply

    def _heard(self, outcome: Outcome, reply: Reply) -> Outcome:
        if isinstance(outcome, Did):
            self._listener(outcome.observation, reply.body)
        return outcome


async def _by_either_id(
    ask: Callable[[str, str], Awaitable[Outcome]], order_id: str, transaction_id: str
) -> Outcome:
    """DANA, chosen on the hosted page, is known only by the gateway's own id, and to this source
    (midtrans.md 4.1, 6).
    """
    outcome = await ask(order_id, "")
    return (
        await ask(transaction_id, "SNAP_API")
        if transaction_id and _never_seen(outcome)
        else outcome
    )


def _path(order_id: str, action: str) -> str:
    return f"/v2/{quote(order_id, safe='')}/{action}"


def _never_seen(outcome: Outcome) -> bool:
    return isinstance(outcome, DidNot) and outcome.code == NEVER_SEEN
