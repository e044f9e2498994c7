"""Erasing on a real database: what goes, what stays, and that it goes on wherever it was cut short."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from api import erasing, erasure_list
from api.kept_of_persons import PURGES
from api.worker import Worker
from ledger import clock
from ledger.access.second_person import SecondPersonNeeded
from ledger.customers import erasure as er
from ledger.errors import LedgerError
from ledger.eventstore.migrate import migrate
from ledger.eventstore.store import Context
from ledger.identity import new_id
from ledger.payments.payment import PaymentNotFound
from ledger.privacy.erased import SubjectErased
from ledger.privacy.service import PaymentOfAnother
from projections.points import ReadModelsBehind
from support.erasing import DETAILS, SITI, Killed, Stage, by, staged
from support.running import SCHEMA

STEPS = [
    ("listed", "enter", {"after": False}),
    ("listed", "enter", {"after": True}),
    ("key_ring", "destroy", {"after": True}),
    ("key_ring", "destroy", {"after": False, "on_call": 2}),
    ("key_ring", "destroy", {"after": True, "on_call": 2}),
    ("stores", "purge", {"after": False}),
    ("stores", "purge", {"after": True}),
    ("stores", "sweep", {"after": True}),
    ("dealings", "standing", {"after": True}),
    ("store", "execute", {"after": False, "on_call": 2}),
]


@pytest.fixture
async def stage(ledger_database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(ledger_database, tmp_path) as opened:
        yield opened


async def test_two_persons_erase_one_person_and_nobody_else(stage: Stage) -> None:
    await stage.registered()
    await stage.registered("budi")
    own, guest = await stage.paid(SITI), await stage.paid()
    others = [await stage.paid("budi"), await stage.paid()]

    asked = await stage.erase("ana", payments=(guest, own))
    assert (asked.erasure.status, asked.erasure.requested.subjects) == ("requested", (SITI, guest))
    assert all(stage.keys().values())
    erased = (await stage.erase("budi", payments=(own, guest))).erasure.erased

    assert erased is not None
    assert (erased.subjects, erased.keys_destroyed) == ((SITI, guest), 2)
    assert erased.purged == ("key_ring", *PURGES)
    assert {one for one, key in stage.keys().items() if not key} == {SITI, guest}
    assert [row[0] for row in stage.rows("select key from idempotency_answers")] == others
    for kept in ("inbox", "gateway_answers"):
        left = stage.rows(f"select split_part(order_id, '-', 1) from {kept} order by received_at")  # noqa: S608
        assert [row[0] for row in left] == others
    (row,) = stage.rows(
        "select methods, preferred, erased_at from customers where customer_id = 'siti'"
    )
    assert row == ([], "", (await stage.wired.customers.get(SITI)).erased_at)
    assert await stage.wired.customers.payer("budi") == (await stage.wired.customers.payer("budi"))
    assert (await stage.wired.customers.payer("budi")).name == DETAILS.name
    assert (await stage.wired.customers.payer(SITI)).name == ""


async def test_the_certificate_says_how_far_the_log_was(stage: Stage) -> None:
    await stage.registered()
    await stage.erase("ana", "budi")

    erased = (await stage.wired.customers.get(SITI)).erasure.erased
    events = await stage.wired.store.history("customer-siti")
    assert erased is not None
    assert (erased.log_position, erased.seal) == (events[-2].position, 0)
    assert events[-1].event == erased
    assert events[-1].position == erased.log_position + 1


@pytest.mark.parametrize(("port", "method", "when"), STEPS)
async def test_who_is_killed_anywhere_is_followed_by_the_next(
    stage: Stage, port: str, method: str, when: dict[str, Any]
) -> None:
    await stage.registered()
    guest = await stage.paid()
    await stage.erase("ana", payments=(guest,))
    service = stage.dying(port, method, **when)

    with pytest.raises(Killed):
        await service.erase(SITI, (guest,), "asked_by_person", by("budi"))
    assert (await stage.wired.erasure.get(SITI)).erasure.status == "approved"
    await stage.wired.erasure.do("customer-siti", "erase", "")

    erased = (await stage.wired.erasure.get(SITI)).erasure.erased
    assert erased is not None
    assert erased.keys_destroyed == 2
    assert set(stage.keys().values()) == {b""}
    assert stage.rows("select * from idempotency_answers") == []
    assert stage.rows("select * from inbox") == []
    assert stage.rows("select * from gateway_answers") == []
    assert len(erasure_list.read(stage.list_file).listed) == 1
    await erasing.caught_up(stage.wired.readers)
    assert stage.rows("select * from due_work where kind = 'erase'") == []


async def test_an_approval_stays_due_until_it_is_done(stage: Stage) -> None:
    """Here the read models come too late for who approves."""
    await stage.registered()
    await stage.erase("ana")
    service = stage.dying("stores", "purge", after=False, error=ReadModelsBehind)

    asked = await service.erase(SITI, (), "asked_by_person", by("budi"))

    assert asked.erasure.status == "approved"
    await erasing.caught_up(stage.wired.readers)
    assert stage.rows("select stream, kind from due_work where kind = 'erase'") == [
        ("customer-siti", "erase")
    ]
    assert (await stage.erase("budi")).erasure.status == "erased"


async def test_a_worker_carries_out_what_was_approved_and_not_finished(stage: Stage) -> None:
    await stage.registered()
    await stage.erase("ana")
    with pytest.raises(Killed):
        await stage.dying("stores", "purge", after=False).erase(
            SITI, (), "asked_by_person", by("budi")
        )
    await erasing.caught_up(stage.wired.readers)

    await Worker(stage.wired).turn()  # at once it is the approving call's to do
    assert (await stage.wired.erasure.get(SITI)).erasure.status == "approved"
    await Worker(stage.wired, now=lambda: clock.now() + timedelta(seconds=11)).turn()

    assert (await stage.wired.erasure.get(SITI)).erasure.status == "erased"


async def test_what_is_not_over_stands_against_it(stage: Stage) -> None:
    await stage.registered()
    waiting = await stage.asked(SITI)

    with pytest.raises(er.PaymentsUnderWay) as refused:
        await stage.erase("ana")

    assert refused.value.context == {"payments": (waiting.request.payment_id,)}
    assert stage.rows("select topic from events where topic like 'customer.eras%'") == []


async def test_the_same_person_twice_is_one(stage: Stage) -> None:
    await stage.registered()

    with pytest.raises(SecondPersonNeeded):
        await stage.erase("ana", "ana")

    assert all(stage.keys().values())


async def test_only_payments_without_a_customer_can_be_said_to_be_theirs(stage: Stage) -> None:
    await stage.registered()
    others = await stage.paid("budi")
    refusals: list[tuple[str, type[LedgerError]]] = [
        (others, PaymentOfAnother),
        (new_id("pay"), PaymentNotFound),
    ]

    for payment, refusal in refusals:
        with pytest.raises(refusal):
            await stage.erase("ana", payments=(payment,))
    with pytest.raises(er.NobodyToErase):
        await stage.erase("ana", customer_id="nobody")


async def test_who_never_registered_is_erased_from_payments_that_name_them(stage: Stage) -> None:
    await stage.paid("user:42")
    guest = await stage.paid()

    await stage.erase("ana", "budi", customer_id="user:42")
    await stage.erase("ana", "budi", customer_id="a-guest", payments=(guest,))

    assert stage.keys() == {"user:42": b"", guest: b"", "a-guest": b""}
    for customer_id, keys in (("user:42", 1), ("a-guest", 1)):
        erased = (await stage.wired.erasure.get(customer_id)).erasure.erased
        assert erased is not None and erased.keys_destroyed == keys


async def test_nothing_new_is_kept_of_who_was_erased(stage: Stage) -> None:
    await stage.registered()
    await stage.erase("ana", "budi")

    for attempt in (
        stage.wired.customers.register(SITI, DETAILS, "id", by("shop")),
        stage.wired.customers.change(SITI, DETAILS, "id", by("shop")),
        stage.asked(SITI),
    ):
        with pytest.raises(SubjectErased):
            await attempt


async def test_whom_a_restored_backup_brings_back_is_erased_again(
    ledger_database: str, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    async with staged(ledger_database, tmp_path) as stage:
        await stage.registered()
        await stage.registered("budi")
        guest = await stage.paid()
    backup = new_database(conninfo_to_dict(ledger_database)["dbname"])
    async with staged(ledger_database, tmp_path) as stage:
        await stage.erase("ana", "citra", payments=(guest,))
        listed = erasure_list.read(stage.list_file).listed
    migrate(backup, SCHEMA)  # rights on a database are not copied with it

    async with staged(backup, tmp_path) as restored:
        assert (await restored.wired.customers.payer(SITI)).name == DETAILS.name
        again = await restored.wired.erasure.reapply(listed, "cli:root")

        assert again == [SITI]
        assert {one for one, key in restored.keys().items() if not key} == {SITI, guest}
        assert (await restored.wired.customers.payer(SITI)).name == ""
        approved = (await restored.wired.erasure.get(SITI)).erasure.approved
        assert approved is not None
        assert (approved.reapplied, approved.requested_by, approved.by) == (True, "ana", "citra")
        assert (await restored.wired.erasure.get(SITI)).erasure.status == "erased"
        assert await restored.wired.erasure.reapply(listed, "cli:root") == []
        assert len(erasure_list.read(restored.list_file).listed) == 1


async def test_a_disclosure_of_nobody_is_none(stage: Stage) -> None:
    with pytest.raises(er.NobodyToErase):
        await stage.wired.erasure.disclose("nobody", Context(command_id="c", actor="ana"))
    assert (
        stage.rows("select * from events where topic = 'customer.personal_data_disclosed.v1'") == []
    )
