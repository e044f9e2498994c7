"""A real simulator on a real port, a merchant that calls it, and an inbox that it notifies."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from json import loads
from threading import Thread
from typing import Any

import httpx2
import pytest

from simulator.config import Config
from simulator.server import server
from support.ports import free_port

Json = dict[str, Any]
SERVER_KEY = "SB-Mid-server-test"
CLIENT_KEY = "SB-Mid-client-test"
SERIAL = count(1)
ITEM = {"id": "i", "name": "Tea", "price": 50_000, "quantity": 1}

# How a charge asks for each method (midtrans.md 4).
ASKED: dict[str, Json] = {
    "bca_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bca"}},
    "bni_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bni"}},
    "bri_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bri"}},
    "cimb_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "cimb"}},
    "permata_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "permata"}},
    "permata": {"payment_type": "permata"},
    "echannel": {
        "payment_type": "echannel",
        "echannel": {"bill_info1": "Payment:", "bill_info2": "Online purchase"},
    },
    "gopay": {"payment_type": "gopay"},
    "shopeepay": {"payment_type": "shopeepay", "shopeepay": {"callback_url": "https://shop"}},
    "qris": {"payment_type": "qris"},
    "qris_shopee": {"payment_type": "qris", "qris": {"acquirer": "airpay shopee"}},
    "ovo": {"payment_type": "ovo", "ovo": {"payer_phone_number": "081111111111"}},
    "alfamart": {"payment_type": "cstore", "cstore": {"store": "alfamart"}},
    "indomaret": {"payment_type": "cstore", "cstore": {"store": "Indomaret"}},
    "akulaku": {
        "payment_type": "akulaku",
        "item_details": [ITEM],
        "customer_details": {"first_name": "Budi"},
    },
    "kredivo": {
        "payment_type": "kredivo",
        "item_details": [ITEM],
        "customer_details": {"first_name": "Budi"},
    },
}


def eventually(found: Callable[[], Any], seconds: float = 3.0) -> Any:
    """The first true answer, or a failure after a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := found():
            return answer
        time.sleep(0.01)
    raise AssertionError("It did not happen in time.")


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Inbox:
    """A merchant's notification URL. `answers` maps a path to the statuses it gives, in turn."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, str], Json]] = []
        self.untied: list[tuple[str, dict[str, str], Json]] = []  # about no order
        self.answers: dict[str, list[int]] = {}
        self.location = ""
        self._server = Receiver(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = loads(self.rfile.read(int(self.headers["content-length"])))
                kept = inbox.received if "order_id" in body else inbox.untied
                kept.append((self.path, dict(self.headers.items()), body))
                planned = inbox.answers.get(self.path, [])
                status = planned.pop(0) if len(planned) > 1 else (planned or [200])[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", inbox.location)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def bodies(self, order_id: str, path: str | None = None) -> list[Json]:
        return [
            body
            for at, _, body in list(self.received)
            if body["order_id"] == order_id and path in (None, at)
        ]

    def told(self, path: str, told: Callable[[Json], bool]) -> list[Json]:
        """What arrived there about no order, and is what is looked for."""
        return [body for at, _, body in list(self.untied) if at == path and told(body)]

    def wait_told(self, path: str, told: Callable[[Json], bool], times: int = 1) -> list[Json]:
        eventually(lambda: len(self.told(path, told)) == times)
        return self.told(path, told)

    def statuses(self, order_id: str) -> list[str]:
        return [body["transaction_status"] for body in self.bodies(order_id)]

    def wait(self, order_id: str, *statuses: str) -> Json:
        """The last notice, once exactly these statuses arrived in whatever order."""
        eventually(lambda: sorted(self.statuses(order_id)) == sorted(statuses))
        return self.wait_for(order_id, statuses[-1])

    def wait_for(self, order_id: str, status: str) -> Json:
        """The latest notice of this status, whatever else arrived."""
        eventually(lambda: status in self.statuses(order_id))
        told = [one for one in self.bodies(order_id) if one["transaction_status"] == status]
        return told[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Merchant:
    """What a merchant, and the person at the control panel, can do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx2.Client(base_url=url, auth=(SERVER_KEY, ""), timeout=5, trust_env=False)

    @staticmethod
    def order_id() -> str:
        return f"order-{next(SERIAL)}"

    def body(self, method: str = "bca_va", order_id: str = "", **more: Any) -> Json:
        details = {"order_id": order_id or self.order_id(), "gross_amount": 50_000}
        return ASKED.get(method, {}) | {"transaction_details": details} | more

    def charge(self, method: str = "bca_va", order_id: str = "", **more: Any) -> Json:
        return self.post("/v2/charge", self.body(method, order_id, **more))

    def post(self, path: str, body: Any = None, **headers: str) -> Json:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.http.post(path, json=body, headers=named)
        return dict(answer.json())

    def get(self, path: str, **headers: str) -> Json:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return dict(self.http.get(path, headers=named).json())

    def status(self, either_id: str) -> Json:
        return self.get(f"/v2/{either_id}/status")

    def control(self, what: str, **body: Any) -> Json:
        answer = self.http.post(f"/_control/{what}", json=body)
        return {"http": answer.status_code} | answer.json()

    def heal(self, what: str = "faults") -> Json:
        return dict(self.http.delete(f"/_control/{what}").json())

    def book(self, **query: Any) -> Json:
        return dict(self.http.get("/_control/book", params=query).json())

    def paid(self, method: str = "gopay") -> Json:
        """A settled order's status."""
        charged = self.charge(method)
        self.control("pay", order_id=charged["order_id"])
        return self.status(charged["order_id"])

    def card_token(self, number: str, **query: str) -> Json:
        asked = {
            "client_key": CLIENT_KEY,
            "card_number": number,
            "card_exp_month": "12",
            "card_exp_year": "2099",
            "card_cvv": "123",
        }
        return dict(self.http.get("/v2/token", params=asked | query).json())

    def charge_card(self, number: str, amount: int = 50_000, **options: Any) -> Json:
        token_id = self.card_token(number)["token_id"]
        order = {"order_id": self.order_id(), "gross_amount": amount}
        return self.post(
            "/v2/charge",
            {
                "payment_type": "credit_card",
                "transaction_details": order,
                "credit_card": {"token_id": token_id, **options},
            },
        )


@pytest.fixture(scope="session")
def inbox() -> Iterator[Inbox]:
    inbox = Inbox()
    yield inbox
    inbox.close()


@contextmanager
def serving(inbox: Inbox, **options: Any) -> Iterator[Merchant]:
    port = free_port()
    config = Config(
        server_key=SERVER_KEY,
        client_key=CLIENT_KEY,
        merchant_id="G141532850",
        notify_url=f"{inbox.url}/notices",
        recurring_url=f"{inbox.url}/recurring",
        account_url=f"{inbox.url}/accounts",
        notify_time_scale=0.00002,
        refund_confirm_seconds=0.05,
        public_url=f"http://127.0.0.1:{port}",
        tick_seconds=0.01,
        **options,
    )
    started = server(config, "127.0.0.1", port)
    thread = Thread(target=started.run, daemon=True)
    thread.start()
    eventually(lambda: started.started)
    merchant = Merchant(config.public_url)
    yield merchant
    merchant.http.close()
    started.should_exit = True
    thread.join(5)


@pytest.fixture(scope="module")
def merchant(inbox: Inbox) -> Iterator[Merchant]:
    with serving(inbox) as merchant:
        yield merchant


@pytest.fixture
def begin(inbox: Inbox) -> Iterator[Callable[..., Merchant]]:
    """Starts one more simulator, which knows nothing of the others, with settings of its own."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(serving(inbox, **more))


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def strict(inbox: Inbox) -> Iterator[Merchant]:
    """Refuses also what the real sandbox lets pass."""
    with serving(inbox, strict=True) as merchant:
        yield merchant


@pytest.fixture(scope="module")
def shop(inbox: Inbox) -> Iterator[Merchant]:
    """Has an address that browsers come back to, and no contract with Permata."""
    with serving(inbox, finish_url="https://shop.test/done", disabled="permata_va") as merchant:
        yield merchant
