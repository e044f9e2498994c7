"""One row says what time it is, to every process of its database; and never where money is real."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg
import pytest

from api.simulated_clock import (
    ClockIsReal,
    ClockNotForRealMoney,
    Hands,
    SimulatedClock,
    check_clock,
    is_real,
)
from api.wiring import Wiring, open_wiring, prepare
from ledger import clock
from ledger.access.caller import Unauthenticated
from ledger.identity import new_id
from ledger.settings import MidtransSettings, Settings
from support.customer import SERVER_KEY, eventually
from support.running import LOOPBACK, MASTER_KEY, SCHEMA, answering, free_port, process

IN_2031 = datetime(2031, 3, 1, 2, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def settings_for(database: str, **more: Any) -> Settings:
    given = {"simulated_clock": True, "midtrans": MidtransSettings(server_key=SERVER_KEY), **more}
    return Settings(
        database_url=database,
        database_schema=SCHEMA,
        master_key=MASTER_KEY,
        port=free_port(),
        **given,
    )


@pytest.fixture
def settings(database: str) -> Settings:
    """Of a database that was made with a simulated clock."""
    asked = settings_for(database)
    prepare(asked)
    return asked


def its(wired: Wiring) -> SimulatedClock:
    assert wired.simulated_clock is not None
    return wired.simulated_clock


async def test_a_clock_that_runs_is_ahead_of_real_time_and_goes_on(settings: Settings) -> None:
    async with open_wiring(settings, "tool") as wired:
        await its(wired).set(Hands.at(IN_2031, frozen=False), by="test")
        first, second = clock.now(), clock.now()

    assert IN_2031 <= first < second < IN_2031 + 5 * SECOND
    assert clock.now() < IN_2031  # this process is back in real time


async def test_a_clock_that_is_frozen_stands_still(settings: Settings) -> None:
    async with open_wiring(settings, "tool") as wired:
        await its(wired).set(Hands.at(IN_2031, frozen=True), by="test")
        assert clock.now() == clock.now() == IN_2031
        assert clock.epoch_milliseconds() == int(IN_2031.timestamp() * 1_000)


async def test_who_starts_later_lives_by_it_from_the_first_moment(settings: Settings) -> None:
    async with open_wiring(settings, "tool") as wired:
        await its(wired).set(Hands.at(IN_2031, frozen=True), by="test")
    told_nothing = settings.model_copy(update={"simulated_clock": False})
    async with open_wiring(told_nothing, "tool"):
        assert clock.now() == IN_2031


async def test_ids_and_what_is_recorded_follow_it(settings: Settings) -> None:
    async with open_wiring(settings, "tool") as wired:
        real = new_id("key")
        await its(wired).set(Hands.at(IN_2031, frozen=True), by="test")
        simulated = new_id("key")
        key, _ = await wired.api_keys.issue("admin", "shop", "a test's", by="test")
        async with wired.readers.connection() as conn:
            row = await (
                await conn.execute(
                    "select convert_from(state, 'UTF8')::jsonb #>> '{m,recorded_at}' as at from events"
                )
            ).fetchone()
        await its(wired).set(Hands.at(IN_2031 + timedelta(days=400), frozen=True), by="test")
        with pytest.raises(Unauthenticated):
            await wired.api_keys.authenticate(key)

    assert simulated > real
    assert row is not None and row["at"].startswith("2031-03-01T02:00:00")


async def test_a_change_is_known_to_other_processes_within_a_tenth_of_a_second(
    settings: Settings,
) -> None:
    url, took = f"http://{LOOPBACK}:{settings.port}/health", []
    async with httpx2.AsyncClient(trust_env=False) as http, open_wiring(settings, "tool") as wired:
        with process("serve", settings):
            await answering(http, url.removesuffix("/health"))
            for days in range(1, 6):
                moment = IN_2031 + timedelta(days=days)
                await its(wired).set(Hands.at(moment, frozen=True), by="test")
                began = time.perf_counter()
                while datetime.fromisoformat((await http.get(url)).json()["now"]) != moment:
                    assert time.perf_counter() - began < 5
                took.append(time.perf_counter() - began)
            assert (await http.get(url)).json()["clock"] == "simulated"

    assert min(took) < 0.1, took


async def test_while_postgresql_hangs_up_time_goes_on_and_then_follows_again(
    settings: Settings,
) -> None:
    async with open_wiring(settings, "tool") as wired:
        await its(wired).set(Hands.at(IN_2031, frozen=False), by="test")
        with psycopg.connect(settings.database_url.get_secret_value(), autocommit=True) as conn:
            conn.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            assert clock.now() > IN_2031
            conn.execute("update bukubesar.simulated_clock set frozen_at = %s", [IN_2031 + SECOND])

        async def followed() -> None:
            assert clock.now() == IN_2031 + SECOND

        await eventually(followed)


# ── where it is refused ───────────────────────────────────────────────────────────────────────────

SANDBOX = "https://api.sandbox.midtrans.com"


@pytest.mark.parametrize(
    ("key", "url", "real"),
    [
        ("SB-Mid-server-x", SANDBOX, False),
        ("SB-Mid-server-x", "http://127.0.0.1:8081", False),
        ("SB-Mid-server-x", "http://simulator:8081", False),
        ("", SANDBOX, False),
        ("", "https://api.midtrans.com", True),
        ("SB-Mid-server-x", "https://api.midtrans.com", True),
        ("SB-Mid-server-x", "https://API.Midtrans.com/", True),
        ("Mid-server-x", SANDBOX, True),
        ("Mid-server-x", "http://127.0.0.1:8081", True),
    ],
)
def test_an_account_is_real_by_its_key_or_its_address(key: str, url: str, real: bool) -> None:
    for urls in ({"core_url": url}, {"snap_url": url}):
        assert is_real(MidtransSettings(server_key=key, **urls)) is real


PRODUCTION = MidtransSettings(
    server_key="Mid-server-x",
    core_url="https://api.midtrans.com",
    snap_url="https://app.midtrans.com",
)


def test_no_such_database_is_made_for_an_account_with_real_money(database: str) -> None:
    with pytest.raises(ClockNotForRealMoney):
        prepare(settings_for(database, midtrans=PRODUCTION))


@pytest.mark.parametrize("asked", [True, False])
async def test_no_process_of_such_a_database_meets_an_account_with_real_money(
    settings: Settings, asked: bool
) -> None:
    real = settings.model_copy(update={"midtrans": PRODUCTION, "simulated_clock": asked})
    with pytest.raises(ClockNotForRealMoney):
        check_clock(real)
    with pytest.raises(ClockNotForRealMoney):
        async with open_wiring(real, "worker"):
            pass


async def test_a_ledger_that_has_begun_by_real_time_keeps_to_it(database: str) -> None:
    real, simulated = settings_for(database, simulated_clock=False), settings_for(database)
    prepare(real)
    async with open_wiring(real, "tool") as wired:
        await wired.api_keys.issue("admin", "shop", "a test's", by="test")
        assert wired.simulated_clock is None

    with pytest.raises(ClockIsReal):
        check_clock(simulated)
    with pytest.raises(ClockIsReal):
        prepare(simulated)
