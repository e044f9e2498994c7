"""Acts: notices that come twice, in the wrong order, or from somebody else. A notice only ever
makes us ask.
"""

import hashlib
import json
from collections import Counter
from functools import partial
from typing import Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from api.demo.answers import Json
from api.demo.client import Refused
from api.demo.scene import Purchase, Scene
from api.demo.waiting import until
from ledger.settings import Settings

SCHEMA: Final = str(Settings.model_fields["database_schema"].default)
INBOX_ROW: Final = sql.SQL(
    "select said, outcome, done_at is not null from {} where digest = %s"
).format(sql.Identifier(SCHEMA, "inbox"))


async def repeated(scene: Scene) -> None:
    purchase = await scene.buy_and_pay("bca_va, told thrice", "bca_va")
    before = len(await scene.api.events(purchase.id))
    await scene.gateway.act("notices", order_id=purchase.order_id, times=2)
    notices = await _all_answered(scene, purchase)
    settlements = [
        one["response_status"]
        for one in notices
        if one["body"]["transaction_status"] == "settlement"
    ]
    scene.checks.equal("a notice sent three times is answered with", [200, 200, 200], settlements)
    await _attended(scene, [one["body"] for one in notices])
    scene.checks.equal("events after the repeats", before, len(await scene.api.events(purchase.id)))


async def disordered(scene: Scene) -> None:
    """What comes last is not what happened last."""
    await scene.gateway.act("notices/hold", hold=True)
    try:
        purchase = await scene.buy("alfamart, notices reversed", "alfamart")
        await scene.pay(purchase)
    finally:
        released = await scene.gateway.act("notices/hold", hold=False, order="reverse")
    scene.checks.equal("notices held, then sent the last one first", 2, released["released"])
    await scene.arrives(purchase, "settled")
    notices = await _all_answered(scene, purchase)
    attended = await _attended(scene, [one["body"] for one in notices])
    scene.checks.equal(
        "both notices were stored, and asked about",
        [("pending", "asked"), ("settlement", "asked")],
        attended,
    )
    await scene.waits(purchase, lambda payment: True)
    scene.checks.equal(
        "the older notice, come last, leaves the payment", "settled", purchase.payment.status
    )
    once = {topic: count for topic, count in (await _topics(scene, purchase)).items() if count != 1}
    scene.checks.none("facts recorded other than once", once)


async def forged(scene: Scene) -> None:
    """The signature leaves out the status, so whoever has seen one notice can claim anything with
    it.
    """
    purchase = await scene.buy("indomaret, forged notice", "indomaret")
    genuine = (await _all_answered(scene, purchase))[0]["body"]
    before = await _topics(scene, purchase)
    lie = genuine | {"transaction_status": "settlement"}
    await scene.api.receive_notice(_bytes(lie))
    stored = await _attended(scene, [lie])
    scene.checks.equal(
        "a forged status with a valid signature is stored, and asked about",
        [("settlement", "asked")],
        stored,
    )
    await scene.waits(purchase, lambda payment: True)
    scene.checks.equal("after the forged notice the payment is", "pending", purchase.payment.status)
    scene.checks.none(
        "facts that the forged notice led to", await _topics(scene, purchase) - before
    )
    await _wrongly_signed(scene, genuine)
    await scene.pay(purchase)
    await scene.arrives(purchase, "settled")


async def _wrongly_signed(scene: Scene, genuine: Json) -> None:
    lie = genuine | {"transaction_status": "settlement", "signature_key": "0" * 128}
    try:
        await scene.api.receive_notice(_bytes(lie))
        found = "accepted"
    except Refused as refused:
        found = f"{refused.status} {refused.code}"
    scene.checks.equal("a notice with a wrong signature is refused", "400 notice_forged", found)
    async with await psycopg.AsyncConnection.connect(scene.database, autocommit=True) as conn:
        scene.checks.equal(
            "a notice with a wrong signature is stored as", None, await _inbox_row(conn, lie)
        )


async def _all_answered(scene: Scene, purchase: Purchase) -> list[Json]:
    """The gateway's notices of a payment, once each of them was answered."""
    return await until(
        lambda: scene.gateway.notices(purchase.order_id),
        lambda notices: bool(notices) and all(one["state"] == "delivered" for one in notices),
    )


async def _attended(scene: Scene, bodies: list[Json]) -> list[tuple[str, str]]:
    """What the worker made of each stored notice: the word it said, and what was done about it."""
    async with await psycopg.AsyncConnection.connect(scene.database, autocommit=True) as conn:
        rows = [await until(partial(_inbox_row, conn, body), _is_done) for body in bodies]
    return sorted((row.said.split()[0], row.outcome) for row in rows if row and row.done)


class Stored(NamedTuple):
    said: str
    outcome: str
    done: bool


async def _inbox_row(conn: psycopg.AsyncConnection[TupleRow], body: Json) -> Stored | None:
    cursor = await conn.execute(INBOX_ROW, [hashlib.sha256(_bytes(body)).hexdigest()])
    row = await cursor.fetchone()
    return Stored(*row) if row else None


def _is_done(row: Stored | None) -> bool:
    return row is not None and row.done


async def _topics(scene: Scene, purchase: Purchase) -> Counter[str]:
    return Counter(event.topic for event in await scene.api.events(purchase.id))


def _bytes(body: Json) -> bytes:
    """As the gateway writes it."""
    return json.dumps(body).encode()
