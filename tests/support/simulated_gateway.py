"""The Midtrans simulator as what it is: another process, spoken to over HTTP only."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from support.ports import free_port

SERVER_KEY = "SB-Mid-server-contract"
CLIENT_KEY = "SB-Mid-client-contract"
STARTS_WITHIN_SECONDS = 15
ACCEPTED_CARD = "4411111111111118"  # not enrolled in 3-D Secure: captured at once
SECURE_CARD = "4811111111111114"
DENIED_CARD = "4711111111111115"
FRAUD_CARD = "4611111111111116"
CHALLENGED_CARD = "4511111111111117"


class SimulatedGateway:
    """What customers, banks and chaos do at the gateway."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx2.Client(base_url=url, trust_env=False, timeout=5)

    def control(self, act: str, **asked: Any) -> dict[str, Any]:
        response = self._http.post(f"/_control/{act}", json=asked)
        response.raise_for_status()
        return dict(response.json())

    def fault(self, fault: str, order_id: str, **asked: Any) -> None:
        self.control("faults", fault=fault, match={"order_id_prefix": order_id}, **asked)

    def transactions(self, order_id: str) -> list[dict[str, Any]]:
        listed = self._http.get("/_control/transactions").json()["transactions"]
        return [one for one in listed if one["order_id"] == order_id]

    def card_token(self, number: str) -> str:
        return self._asked_for_card("/v2/token", number, "token_id")

    def saved_card(self, number: str) -> str:
        return self._asked_for_card("/v2/card/register", number, "saved_token_id")

    def _asked_for_card(self, path: str, number: str, told: str) -> str:
        card = {
            "card_number": number,
            "card_exp_month": "12",
            "card_exp_year": "2099",
            "card_cvv": "123",
        }
        answer = self._http.get(path, params={"client_key": CLIENT_KEY, **card})
        return str(answer.json()[told])

    def is_up(self) -> bool:
        try:
            return self._http.get("/_control/clock").is_success
        except httpx2.TransportError:
            return False


@contextmanager
def simulated_gateway() -> Iterator[SimulatedGateway]:
    port = free_port()
    keys = ["--server-key", SERVER_KEY, "--client-key", CLIENT_KEY]
    speed = ["--refund-confirm-seconds", "0.01", "--tick-seconds", "0.01"]
    command = [sys.executable, "-m", "simulator", "--port", str(port), *keys, *speed]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield _ready(SimulatedGateway(f"http://127.0.0.1:{port}"), process)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _ready(gateway: SimulatedGateway, process: "subprocess.Popen[bytes]") -> SimulatedGateway:
    give_up_at = time.monotonic() + STARTS_WITHIN_SECONDS
    while not gateway.is_up():
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise RuntimeError("the simulator did not start")
        time.sleep(0.05)
    return gateway
