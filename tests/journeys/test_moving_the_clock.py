"""`bukubesar clock` against everything that `bukubesar up` runs: a month passes, and what it brings happens."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest

from api.wiring import prepare
from ledger.settings import Settings
from support.running import MASTER_KEY, SCHEMA

WITHIN_SECONDS = 120
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


class Bukubesar:
    """The command line with an environment of its own, and what it has brought up."""

    def __init__(self, home: Path, **settings: str) -> None:
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("BUKUBESAR_")}
        self._environment = inherited | {"HOME": str(home), "XDG_DATA_HOME": str(home)} | settings
        self._data_dir = home / "data"

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._argv(*arguments), env=self._environment, capture_output=True, text=True,
            timeout=WITHIN_SECONDS, check=False,
        )  # fmt: skip

    def said(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shown(self) -> dict[str, Any]:
        return dict(json.loads(self.said("clock", "show", "--json")))

    def up(self) -> "subprocess.Popen[bytes]":
        argv = self._argv("up", "--json", "--port", "0", "--simulator-port", "0")
        argv += ["--data-dir", str(self._data_dir)]
        return subprocess.Popen(argv, env=self._environment, stdout=subprocess.PIPE)

    def _argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "api.cli", *arguments]


class Shop:
    def __init__(self, api: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx2.Client(base_url=api, headers=headers, trust_env=False, timeout=30)

    def request(self, **asked: Any) -> str:
        body = {"amount": 99_000, "currency": "IDR", **asked}
        headers = {"Idempotency-Key": uuid4().hex}
        answer = self._http.post("/api/v1/payments", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["paymentId"])

    def read(self, path: str) -> dict[str, Any]:
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def status(self, payment_id: str) -> str:
        return str(self.read(f"/api/v1/payments/{payment_id}")["status"])

    def when(self, payment_id: str, topic: str) -> datetime:
        events = self.read(f"/api/v1/payments/{payment_id}/events")["events"]
        (at,) = [one["recordedAt"] for one in events if one["topic"].startswith(topic)]
        return datetime.fromisoformat(at)


@pytest.fixture(scope="module")
def bukubesar(open_folder: Path) -> Bukubesar:
    home = open_folder / "clock-home"
    home.mkdir()
    return Bukubesar(home, BUKUBESAR_SIMULATED_CLOCK="true")


@contextmanager
def up(bukubesar: Bukubesar) -> Iterator[dict[str, Any]]:
    process = bukubesar.up()
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


@pytest.fixture(scope="module")
def running(bukubesar: Bukubesar) -> Iterator[dict[str, Any]]:
    with up(bukubesar) as told:
        yield told


def test_a_month_passes_as_it_would(bukubesar: Bukubesar, running: dict[str, Any]) -> None:
    shop = Shop(running["api"], running["key"])
    bukubesar.said("clock", "freeze")
    began = datetime.fromisoformat(bukubesar.shown()["now"])
    unpaid = shop.request(paymentMethod="bca_va", expiresAfterSeconds=86_400)
    card = shop.request(paymentMethod="credit_card", cardToken=_token(running["simulator"]))
    charged = shop.status(card)

    told = bukubesar.said("clock", "advance", "31d")

    stands = bukubesar.shown()
    assert "stops on the way" in told
    assert datetime.fromisoformat(stands["now"]) == began + 31 * DAY
    assert datetime.fromisoformat(stands["gateway"]) == began + 31 * DAY
    assert (charged, shop.status(unpaid), shop.status(card)) == ("captured", "expired", "settled")
    expired, settled = (
        shop.when(unpaid, "payment.charge_expired"),
        shop.when(card, "payment.settled"),
    )
    assert began + DAY <= expired <= began + DAY + 5 * SECOND
    assert began < settled < began + 2 * DAY
    assert shop.read("/health")["clock"] == "simulated"
    assert set(shop.read("/api/v1/trial-balance")["totals"].values()) == {0}


def test_it_runs_on_stands_still_and_leaps(bukubesar: Bukubesar, running: dict[str, Any]) -> None:
    bukubesar.said("clock", "run")
    first, second = bukubesar.shown(), bukubesar.shown()
    bukubesar.said("clock", "freeze")
    third, fourth = bukubesar.shown(), bukubesar.shown()
    bukubesar.said("clock", "advance", "40d", "--at-once")
    bukubesar.said("clock", "run-until-idle")
    fifth = bukubesar.shown()

    assert first["now"] < second["now"] and not second["frozen"]
    assert third["now"] == fourth["now"] and fourth["frozen"]
    assert datetime.fromisoformat(fifth["now"]) - datetime.fromisoformat(third["now"]) == 40 * DAY
    assert datetime.fromisoformat(fifth["gateway"]) == datetime.fromisoformat(fifth["now"])


def test_it_goes_back_only_when_that_is_asked_for(
    bukubesar: Bukubesar, running: dict[str, Any]
) -> None:
    bukubesar.said("clock", "freeze")
    stood = bukubesar.shown()
    earlier = (datetime.fromisoformat(stood["now"]) - timedelta(hours=2)).isoformat()

    refused = bukubesar("clock", "set", earlier)
    kept = bukubesar.shown()
    bukubesar.said("clock", "set", earlier, "--back")
    back = bukubesar.shown()

    assert (refused.returncode, kept["now"]) == (1, stood["now"])
    assert "time_goes_forward" in refused.stderr and "Traceback" not in refused.stderr
    assert back["now"] == earlier
    assert datetime.fromisoformat(back["gateway"]) == datetime.fromisoformat(stood["gateway"])


def test_a_simulator_that_starts_anew_begins_where_the_clock_stands(open_folder: Path) -> None:
    home = open_folder / "ahead-home"
    home.mkdir()
    bukubesar = Bukubesar(home, BUKUBESAR_SIMULATED_CLOCK="true")
    with up(bukubesar):
        bukubesar.said("clock", "set", "2031-03-01 09:00")
    with up(bukubesar):
        stands = bukubesar.shown()

    theirs, ours = (datetime.fromisoformat(stands[who]) for who in ("gateway", "now"))
    assert ours > datetime(2031, 3, 1, 2, tzinfo=UTC)
    assert abs(theirs - ours) < 2 * SECOND


@pytest.mark.parametrize("words", [("advance", "soon"), ("advance", "-2h"), ("set", "tomorrow")])
def test_what_is_no_time_is_refused_in_words(bukubesar: Bukubesar, words: tuple[str, str]) -> None:
    refused = bukubesar("clock", *words)

    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_where_time_is_real_there_is_nothing_to_move(
    ledger_database: str, open_folder: Path
) -> None:
    bukubesar = Bukubesar(
        open_folder, BUKUBESAR_DATABASE_URL=ledger_database, BUKUBESAR_MASTER_KEY=MASTER_KEY
    )
    refused = bukubesar("clock", "advance", "31d", "--at-once")

    assert refused.returncode == 1
    assert "clock_is_real" in refused.stderr


def test_what_never_comes_to_rest_is_told_after_a_while(database: str, open_folder: Path) -> None:
    """There is no worker here to ask after the notice."""
    settings = Settings(
        database_url=database, database_schema=SCHEMA, master_key=MASTER_KEY, simulated_clock=True
    )
    prepare(settings)
    with psycopg.connect(database) as conn:
        conn.execute(
            "insert into bukubesar.inbox values ('d', 'o', 't', 'settlement', '', now(), now())"
        )
    bukubesar = Bukubesar(
        open_folder, BUKUBESAR_DATABASE_URL=database, BUKUBESAR_MASTER_KEY=MASTER_KEY
    )
    refused = bukubesar("clock", "run-until-idle", "--within", "0.5")

    assert refused.returncode == 1
    assert "0 due, 1 notices" in refused.stderr and "not_idle" in refused.stderr


def _token(simulator: str) -> str:
    card = {
        "client_key": "SB-Mid-client-bukubesar",
        "card_number": "4411111111111118",
        "card_exp_month": "12",
        "card_exp_year": "2099",
        "card_cvv": "123",
    }
    answer = httpx2.get(f"{simulator}/v2/token", params=card, trust_env=False)
    return str(answer.json()["token_id"])
