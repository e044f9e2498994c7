"""An event that nobody can read comes into the log of a running system."""

import asyncio
import time
from collections.abc import Callable

import psycopg

from ledger import clock
from ledger.events import DomainEvent, Metadata, Recorded
from ledger.eventstore.chain import link
from ledger.eventstore.mapping import EventMapper
from ledger.eventstore.migrate import LogNames, migrate
from projections.engine.follower import HALTED_SECONDS
from projections.replaying import verify
from projections.resuming import resume
from support.customer import Caller, Gateway, eventually
from support.following import GARBAGE, as_deployed
from support.log_rows import SCHEMA, LogRows
from support.payment_lives import PAID, lived
from support.read_side import open_read_side
from support.running import Running, running

ALARM_WITHIN_SECONDS = 10.0  # reliability.md P20


def inject(conninfo: str, stream: str, fact: DomainEvent) -> Callable[[], None]:
    """Past append(), as a superuser: the fact's place in the chain, but not its bytes. What is
    given back puts them there.
    """
    LogRows(conninfo).tamper("select 1")
    metadata = Metadata(command_id="cmd_poison", actor="test", recorded_at=clock.now())
    stored = EventMapper().to_stored_event(
        Recorded(stream=stream, version=1, event=fact, metadata=metadata)
    )
    with psycopg.connect(conninfo) as admin:
        admin.execute(f"set search_path = {SCHEMA}".encode())
        admin.execute("select pg_advisory_xact_lock(%s)", [LogNames(SCHEMA).lock])
        last = admin.execute(
            "select notification_id, hash from events order by notification_id desc limit 1"
        ).fetchone()
        assert last is not None
        position, previous = last[0] + 1, last[1]
        admin.execute(
            "insert into events (originator_id, originator_version, topic, state, notification_id, hash)"
            " values (%s, 1, %s, %s, %s, %s)",
            [
                *(stream, stored.topic, GARBAGE, position),
                link(previous, position, stream, 1, stored.topic, stored.state),
            ],
        )

    def repair() -> None:
        with psycopg.connect(conninfo) as admin:
            statement = b"update bukubesar.events set state = %s where notification_id = %s"
            admin.execute(statement, [stored.state, position])

    return repair


async def refused(shop: Caller) -> dict[str, object]:
    """What /ready says, once it says that something has halted."""

    async def alarmed() -> dict[str, object]:
        answer = await shop.get("/ready")
        assert answer.status_code == 503
        problem: dict[str, object] = answer.json()
        assert "haltedAt" in problem
        return problem

    return await eventually(alarmed)


async def listed_as_paid(shop: Caller, order_reference: str) -> str:
    async def paid() -> str:
        page = (await shop.get("/api/v1/payments", orderId=order_reference)).json()
        assert page["payments"] and page["payments"][0]["status"] in ("captured", "settled")
        return str(page["payments"][0]["paymentId"])

    return await eventually(paid)


async def ready_again(shop: Caller) -> None:
    async def ready() -> None:
        assert (await shop.get("/ready")).status_code == 200

    await eventually(ready, HALTED_SECONDS + 20)


async def test_money_halts_and_alarms_while_payments_go_on_and_repair_leaves_replay_equal(
    system: Running, shop: Caller, gateway: Gateway
) -> None:
    database = system.settings.database_url.get_secret_value()
    await asyncio.to_thread(
        migrate, database, SCHEMA
    )  # a copy has no rights on the database itself
    await shop.request("bca_va")
    entry = lived("pay_x", *PAID)[-1]
    repair = await asyncio.to_thread(inject, database, "jrn_poison", entry)

    began = time.monotonic()
    problem = await refused(shop)
    alarmed_after = time.monotonic() - began
    payment = await shop.request("bca_va", metadata={"orderId": "after"})
    await gateway.pay(payment)
    listed = await listed_as_paid(shop, "after")
    metrics = (await shop.get("/metrics")).text
    await asyncio.to_thread(repair)
    await ready_again(shop)
    await asyncio.to_thread(resume, database, SCHEMA, "views")
    report = await asyncio.to_thread(verify, database, SCHEMA)

    assert (problem["type"], problem["group"]) == ("/problems/not_ready", "money")
    assert problem["because"] == "event_unreadable"
    assert alarmed_after < ALARM_WITHIN_SECONDS
    assert listed == payment["paymentId"]
    held = 'bukubesar_projection_quarantined_events{group="%s",outcome="%s"} 1.0'
    assert held % ("money", "halted") in metrics
    assert held % ("views", "parked") in metrics
    assert report.finding is None
    assert set(report.equal.values()) == {True}


async def test_money_that_lags_for_more_than_a_minute_is_not_ready(
    ledger_database: str, gateway: Gateway
) -> None:
    with open_read_side(ledger_database) as read_side:
        async with running(ledger_database, gateway, workers=0) as system:
            await asyncio.to_thread(read_side.log.append, "pay_1", lived("pay_1", *PAID))
            behind = await system.http.get(f"{system.url}/ready")
            with read_side.followers["money"].connect() as connection:
                as_deployed(read_side, "money").catch_up(connection)
            caught_up = await system.http.get(f"{system.url}/ready")

    assert behind.status_code == 503
    assert behind.json()["behindSeconds"] > 60
    assert caught_up.status_code == 200
