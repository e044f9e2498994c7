"""The one composition root: settings become a store, a provider, services and the ports between
them.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import structlog

from api import simulated_clock
from api.answers import Answers
from api.durability import check_durability
from api.erasing import DealingsFromReadModels, ListInFile, PayersFromPayments, TablesBesideTheLog
from api.gateway_answers import GatewayAnswers
from api.inbox import Inbox
from api.pagination import Cursors
from api.payment_texts import PaymentTexts
from api.quotes import Quotes
from api.simulated_clock import SimulatedClock
from ledger import clock, interpreter
from ledger.access.service import ApiKeys
from ledger.bills.service import BillService
from ledger.coupons.service import CouponService
from ledger.customers.service import CustomerService
from ledger.eventstore.connections import Readers, connect_for_calls
from ledger.eventstore.group_call import Connect
from ledger.eventstore.key_ring import KeyRing
from ledger.eventstore.migrate import FILES, migrate
from ledger.eventstore.recorder import GroupCommitRecorder
from ledger.eventstore.store import EventStore
from ledger.money import Money
from ledger.payments.commands import Health
from ledger.payments.due import LEASE_SECONDS
from ledger.payments.service import PaymentService
from ledger.plans.service import PlanService
from ledger.privacy.service import ErasureService
from ledger.providers.breaker import Breaker
from ledger.providers.midtrans.adapter import Midtrans
from ledger.providers.port import Listener, Provider
from ledger.scheduler import BillingScheduler, Scheduler, Schedulers
from ledger.secrets import Secrets
from ledger.settings import Settings
from ledger.subscriptions.following import Following
from ledger.subscriptions.service import SubscriptionService
from projections import balances, method_health
from projections.layout import lay_out

log = structlog.get_logger(__name__)

HERE: Final = Path(__file__).parent
MIGRATIONS: Final = (
    *FILES,
    *(
        HERE / f"{name}.sql"
        for name in (
            *("idempotency", "inbox", "inbox_by_order"),
            *("work_claims", "work_claims_at_work", "second_looks"),
            *("idempotency_subject", "gateway_answers"),
        )
    ),
)
Process = Literal["api", "worker", "tool"]

REPORTS_AT_ONCE: Final = 4  # a process; each is a connection for as long as somebody reads
HEALTH_SECONDS: Final = 1.0  # how old a method's health may be when a payment is routed


@dataclass(frozen=True, kw_only=True)
class Wiring:
    settings: Settings
    recorder: GroupCommitRecorder
    readers: Readers
    reporters: Readers  # in the role that sees nothing but the views for reports
    calls: Connect  # opens a connection for group calls
    store: EventStore
    provider: Provider
    key_ring: KeyRing
    api_keys: ApiKeys
    payments: PaymentService
    customers: CustomerService
    erasure: ErasureService
    plans: PlanService
    coupons: CouponService
    answers: Answers
    gateway_answers: GatewayAnswers
    inbox: Inbox
    cursors: Cursors
    payment_texts: PaymentTexts
    subscriptions: SubscriptionService
    bills: BillService
    quotes: Quotes
    scheduler: Scheduler  # does the due work of areas other than payments
    simulated_clock: SimulatedClock | None = None  # None: the machine's


def prepare(settings: Settings) -> None:
    """Migrate, lay out the read models, and refuse a server that would lose what it acknowledged."""
    conninfo, schema = _place(settings)
    check_durability(conninfo)
    applied = migrate(conninfo, schema, (*MIGRATIONS, *simulated_clock.migrations(settings)))
    simulated_clock.check_clock(settings)
    lay_out(conninfo, schema)
    if applied:
        log.info("database.migrated", files=applied, schema=schema)


@asynccontextmanager
async def open_wiring(
    settings: Settings, process: Process, *, gateway: Provider | None = None
) -> AsyncIterator[Wiring]:
    """Everything a process needs, by the time of its database; closing it drains what was begun.
    `gateway` takes the place of Midtrans.
    """
    conninfo, schema = _place(settings)
    readers = Readers(conninfo, schema, settings.readers)
    reporters = Readers(conninfo, schema, REPORTS_AT_ONCE, role="reporting", idle=0)
    await readers.open()
    await reporters.open()
    calls = partial(connect_for_calls, conninfo, schema)
    sent_by = f"{process}:{socket.gethostname()}:{os.getpid()}"
    try:
        async with (
            simulated_clock.living_by(settings, readers, calls) as simulated,
            _opened(settings, sent_by, readers, reporters, calls, gateway) as wired,
        ):
            interpreter.tune()
            yield replace(wired, simulated_clock=simulated)
    finally:
        await reporters.close()
        await readers.close()


@asynccontextmanager
async def _opened(
    settings: Settings,
    sent_by: str,
    readers: Readers,
    reporters: Readers,
    calls: Connect,
    gateway: Provider | None,
) -> AsyncIterator[Wiring]:
    secrets = Secrets.derived_from(settings.master_key.get_secret_value())
    recorder = GroupCommitRecorder(*_place(settings))
    store = EventStore(recorder.committer, calls)
    key_ring = KeyRing(readers, secrets.key_ring_master)
    gateway_answers = GatewayAnswers(readers, key_ring)
    provider = Breaker(gateway or _midtrans(settings, gateway_answers.heard))
    customers = CustomerService(store=store, key_ring=key_ring)
    payments = _payments(settings, readers, customers, provider, sent_by)
    subscriptions = _subscriptions(payments, customers)
    erasure = _erasure(settings, readers, payments)
    answers, inbox = Answers(calls, readers), _inbox(settings, readers, calls, key_ring)
    try:
        yield Wiring(
            settings=settings,
            recorder=recorder,
            readers=readers,
            reporters=reporters,
            calls=calls,
            store=store,
            provider=provider,
            key_ring=key_ring,
            api_keys=ApiKeys(store, secrets.key_pepper),
            payments=payments,
            customers=customers,
            erasure=erasure,
            plans=PlanService(store=store),
            coupons=CouponService(store=store),
            answers=answers,
            gateway_answers=gateway_answers,
            inbox=inbox,
            cursors=Cursors(secrets.cursor_key),
            payment_texts=PaymentTexts(),
            subscriptions=subscriptions,
            bills=BillService(store=store),
            quotes=Quotes(secrets.quote_key),
            scheduler=_scheduler(subscriptions, erasure),
        )
    finally:
        await provider.close()
        await recorder.drain()
        for part in (store, answers, gateway_answers, inbox):
            await part.close()


def _payments(
    settings: Settings,
    readers: Readers,
    customers: CustomerService,
    provider: Breaker,
    sent_by: str,
) -> PaymentService:
    return PaymentService(
        store=customers.store,
        provider=provider,
        key_ring=customers.key_ring,
        method_health=HealthFromReadModel(readers),
        balance=BalanceFromReadModel(readers),
        sent_by=sent_by,
        lost_after_seconds=settings.lost_after_seconds,
        lease_seconds=LEASE_SECONDS,
        gateway_rests=provider.is_open,
        saved_methods=customers,
        then=Following(clock.now),
    )


def _subscriptions(payments: PaymentService, customers: CustomerService) -> SubscriptionService:
    return SubscriptionService(
        store=payments.store,
        payments=payments,
        payers=customers,
        method_health=payments.method_health,
        sent_by=payments.sent_by,
        gateway_rests=payments.gateway_rests,
    )


def _inbox(settings: Settings, readers: Readers, calls: Connect, key_ring: KeyRing) -> Inbox:
    longest_pause = timedelta(seconds=settings.asked_every_seconds)
    return Inbox(calls, readers, key_ring, longest_pause)


def _scheduler(subscriptions: SubscriptionService, erasure: ErasureService) -> Scheduler:
    store, sent_by = subscriptions.store, subscriptions.sent_by
    billing = BillingScheduler(store=store, subscriptions=subscriptions, sent_by=sent_by)
    return Schedulers(billing, erasure)


def _place(settings: Settings) -> tuple[str, str]:
    return settings.database_url.get_secret_value(), settings.database_schema


def _erasure(settings: Settings, readers: Readers, payments: PaymentService) -> ErasureService:
    return ErasureService(
        store=payments.store,
        key_ring=payments.key_ring,
        dealings=DealingsFromReadModels(readers),
        payers=PayersFromPayments(payments),
        stores=TablesBesideTheLog(readers, *_place(settings)),
        listed=ListInFile(settings.erasures_file),
        sent_by=payments.sent_by,
    )


def _midtrans(settings: Settings, listener: Listener) -> Midtrans:
    account = settings.midtrans
    return Midtrans(
        server_key=account.server_key.get_secret_value(),
        core_url=account.core_url,
        snap_url=account.snap_url,
        charge_seconds=account.charge_seconds,
        inquiry_seconds=account.inquiry_seconds,
        listener=listener,
    )


class HealthFromReadModel:
    """Satisfies the payments' MethodHealth port; remembers the answer for a moment, as every
    payment asks.
    """

    def __init__(self, readers: Readers) -> None:
        self._readers = readers
        self._known: Health = {}
        self._until = 0.0
        self._asked_at = clock.now()

    async def health(self) -> Health:
        moment = clock.now()
        if clock.monotonic_seconds() >= self._until or self._is_of_another_time(moment):
            self._until, self._asked_at = clock.monotonic_seconds() + HEALTH_SECONDS, moment
            async with self._readers.connection() as conn:
                self._known = await method_health.health(conn, moment)
        return self._known

    def _is_of_another_time(self, moment: datetime) -> bool:
        """A simulated clock leaps."""
        return abs((moment - self._asked_at).total_seconds()) >= HEALTH_SECONDS


class BalanceFromReadModel:
    """Satisfies the payments' GatewayBalance port."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def available(self, gateway: str) -> Money:
        async with self._readers.connection() as conn:
            rows = await balances.account(conn, f"Assets:Gateway:{gateway}:Available")
        return Money(_of(rows, "IDR"), "IDR")


def _of(rows: list[dict[str, Any]], currency: str) -> int:
    return next((row["balance_minor"] for row in rows if row["currency"] == currency), 0)
