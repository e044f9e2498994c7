"""What names a customer is in no table and in no line that a process writes down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from support.customer import ACCEPTED_CARD, Caller, Fields, Gateway, eventually
from support.running import LOOPBACK, Process, Running, answering, free_port, running

CUSTOMERS = "/api/v1/customers"
SITI: Fields = {
    "name": "Siti Rahayu",
    "email": "siti@example.id",
    "phone": "0812-3456-7890",
    "npwp": "3578014107950001",
    "address": "Jl. Merdeka 1\nSurabaya",
}
CANARIES = ("Rahayu", "example.id", "81234567890", "3578014107950001", "Merdeka")


@asynccontextmanager
async def heard(system: Running, log: Path) -> AsyncIterator[Caller]:
    """A caller of an API that, as its worker, writes down all it can say."""
    changes = {"port": free_port(), "log_level": "debug"}
    settings = system.settings.model_copy(update=changes)
    url = f"http://{LOOPBACK}:{settings.port}"
    with log.open("wb") as lines:
        processes = [Process(command, settings, lines) for command in ("serve", "work")]
        try:
            await answering(system.http, url)
            yield (await system.caller()).at(url)
        finally:
            for process in processes:
                process.kill()


async def test_nothing_personal_is_in_the_log_the_read_models_or_what_processes_say(
    ledger_database: str, gateway: Gateway, tmp_path: Path
) -> None:
    said, token = tmp_path / "said", await gateway.saved_card(ACCEPTED_CARD)
    async with running(ledger_database, gateway, workers=0) as system, heard(system, said) as shop:
        made = (await shop.post(CUSTOMERS, SITI)).json()
        customer = f"{CUSTOMERS}/{made['customerId']}"
        card = {"kind": "card", "token": token, "masked": "44111111-1118", "expiresOn": "2099-12"}
        saved = (await shop.post(f"{customer}/payment-methods", card)).json()
        changed = await shop.put(customer, SITI | {"name": "Siti R. Rahayu"})
        refused = [
            await shop.put(customer, SITI | {"email": "Rahayu"}),
            await shop.put(customer, SITI | {"Rahayu": "Rahayu"}),
            await shop.post(CUSTOMERS, SITI | {"customerId": made["customerId"]}),
        ]
        payment = await shop.request(
            "credit_card", customerId=made["customerId"], savedMethod=saved["methodId"]
        )
        await gateway.settle(payment)
        await shop.until(payment, "settled")
        await shop.topics(payment)  # the read models have it all
        stored = _everything(ledger_database)

        async def written() -> str:
            text = said.read_text()
            assert "payment" in text
            return text

        lines = await eventually(written)

    assert changed.status_code == 200
    assert [answer.status_code for answer in refused] == [422, 422, 409]
    assert "44111111-1118" in stored
    for where in (stored, lines, *(answer.text for answer in refused)):
        assert [one for one in (*CANARIES, token) if one in where] == []


def test_what_stands_in_a_table_is_found(ledger_database: str) -> None:
    with psycopg.connect(ledger_database) as admin:
        admin.execute("create table bukubesar.notes as select 'Siti Rahayu'::bytea as note")

    assert CANARIES[0] in _everything(ledger_database)


def _everything(database: str) -> str:
    """Every row of every table, of the log and of the read models, as text."""
    found: list[str] = []
    with psycopg.connect(database) as admin:
        tables = admin.execute(
            "select schemaname, tablename from pg_tables"
            " where schemaname in ('bukubesar', 'bukubesar_read')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("select * from {}").format(sql.Identifier(schema, table))
            found += [str(value) for row in admin.execute(query) for value in row]
    return " ".join(found)
