"""The gateway's own Python package, unmodified, pointed at the simulator as midtrans.md 18.2 tells: by the base URLs
that `ApiConfig` holds as class attributes. What is expected of the answers comes from that document alone.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import requests
from midtransclient import CoreApi, MidtransAPIError, Snap
from midtransclient.config import ApiConfig

from support.customer import CLIENT_KEY, SERVER_KEY
from support.receiver import LOOPBACK, Receiver, receiver

Fields = dict[str, Any]

# midtrans.md 13
ACCEPTED_CARD = "4411 1111 1111 1118"  # not enrolled in 3-D Secure
SECURE_CARD = "4811 1111 1111 1114"
DENIED_CARD = "4711 1111 1111 1115"
FRAUD_CARD = "4611 1111 1111 1116"
CHALLENGED_CARD = "4511 1111 1111 1117"
BNI_CARD = "5264 2210 3887 4659"


@dataclass(frozen=True)
class Sandbox:
    """The simulator as those meet it who use no API: payers, banks, the clock. `notify_port` is the dashboard URL's."""

    url: str
    notify_port: int

    def act(self, act: str, **asked: Any) -> Fields:
        answer = self._try(act, asked)
        assert answer.ok, f"{act} {asked}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def refuses(self, act: str, **asked: Any) -> bool:
        return not self._try(act, asked).ok

    def transactions(self, order_id: str) -> list[Fields]:
        return list(self._written("transactions", order_id))

    def notices(self, order_id: str) -> list[Fields]:
        return list(self._written("notices", order_id))

    def until_taken_up(self, fault: str, order_id: str) -> None:
        """Until a fault that was set for one request has met that request."""
        give_up_at = time.monotonic() + 10
        while self._waiting(fault, order_id):
            assert time.monotonic() < give_up_at, f"no request met {fault}"
            time.sleep(0.02)

    def _waiting(self, fault: str, order_id: str) -> bool:
        listed = requests.get(f"{self.url}/_control/faults", timeout=10).json()["faults"]
        return any(
            one["fault"] == fault and one["match"]["order_id_prefix"] == order_id for one in listed
        )

    def _try(self, act: str, asked: Fields) -> requests.Response:
        return requests.post(f"{self.url}/_control/{act}", json=asked, timeout=10)

    def _written(self, kind: str, order_id: str) -> list[Fields]:
        asked = {"order_id": order_id}
        answer = requests.get(f"{self.url}/_control/{kind}", params=asked, timeout=10)
        return list(answer.json()[kind])


@pytest.fixture
def sandbox(simulated: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """Shared with all tests of this process: its clock is not to be touched."""
    return pointed_at(simulated, monkeypatch)


def pointed_at(started: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    url, notify_port = started
    monkeypatch.setattr(ApiConfig, "CORE_SANDBOX_BASE_URL", url)
    monkeypatch.setattr(ApiConfig, "CORE_PRODUCTION_BASE_URL", url)
    monkeypatch.setattr(ApiConfig, "SNAP_SANDBOX_BASE_URL", f"{url}/snap/v1")
    monkeypatch.setattr(ApiConfig, "SNAP_PRODUCTION_BASE_URL", f"{url}/snap/v1")
    monkeypatch.setenv("NO_PROXY", LOOPBACK)
    return Sandbox(url, notify_port)


@pytest.fixture
def core(sandbox: Sandbox) -> CoreApi:
    return core_api()


@pytest.fixture
def snap(sandbox: Sandbox) -> Snap:
    return snap_api()


@pytest.fixture
def dashboard(sandbox: Sandbox) -> Iterator[Receiver]:
    """Whoever listens at the notification URL of the merchant's dashboard."""
    with receiver(sandbox.notify_port) as listening:
        yield listening


def core_api(headers: Fields | None = None, server_key: str = SERVER_KEY) -> CoreApi:
    """A new one for each set of headers: the package's own default is one dict for all instances (18.1)."""
    return CoreApi(server_key=server_key, client_key=CLIENT_KEY, custom_headers=dict(headers or {}))


def snap_api(headers: Fields | None = None, server_key: str = SERVER_KEY) -> Snap:
    return Snap(server_key=server_key, client_key=CLIENT_KEY, custom_headers=dict(headers or {}))


# ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────────────


def new_id(prefix: str = "sdk") -> str:
    return f"{prefix}-{uuid4().hex[:24]}"


def order(payment_type: str, amount: Any = 44_145, order_id: str = "", **more: Any) -> Fields:
    """The body of a charge."""
    details = {"order_id": order_id or new_id(), "gross_amount": amount}
    return {"payment_type": payment_type, "transaction_details": details, **more}


def bca_order(amount: Any = 44_145, order_id: str = "", **more: Any) -> Fields:
    return order("bank_transfer", amount, order_id, bank_transfer={"bank": "bca"}, **more)


def card_order(token: str, amount: int = 12_145, order_id: str = "", **more: Any) -> Fields:
    return order("credit_card", amount, order_id, credit_card={"token_id": token, **more})


def card(number: str, **more: str) -> Fields:
    """The query for a token, or for a card to be saved."""
    valid = {"card_exp_month": "12", "card_exp_year": "2030", "card_cvv": "123"}
    return {"client_key": CLIENT_KEY, "card_number": number, **valid, **more}


def token(core: CoreApi, number: str = ACCEPTED_CARD) -> str:
    return str(core.card_token(card(number))["token_id"])


def captured(core: CoreApi, number: str = ACCEPTED_CARD, amount: int = 50_000) -> str:
    """The order id of a card payment that the bank's batch has not yet come for."""
    charged = core.charge(card_order(token(core, number), amount))
    assert charged["transaction_status"] == "capture", charged
    return str(charged["order_id"])


def settled(core: CoreApi, sandbox: Sandbox, body: Fields | None = None) -> str:
    """The order id of a payment that somebody has paid; by GoPay unless a body is given."""
    charged = core.charge(body or order("gopay", 12_000))
    sandbox.act("pay", order_id=charged["order_id"])
    return str(charged["order_id"])


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────


def refusal(call: Callable[..., Any], *given: Any) -> MidtransAPIError:
    with pytest.raises(MidtransAPIError) as caught:
        call(*given)
    return caught.value


def codes(error: MidtransAPIError) -> tuple[int, str]:
    """HTTP's and the body's, which differ so often that midtrans.md 1.7 calls it critical."""
    return error.http_status_code, error.api_response_dict["status_code"]


def told(fields: Fields, *names: str) -> tuple[Any, ...]:
    return tuple(fields.get(name) for name in names)
