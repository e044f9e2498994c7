"""Subscriptions in action: whatever is asked of one, its bills and payments go into the log with it,
and what was dispatched there is sent. The only file of this area that does I/O.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from msgspec.structs import replace

from ledger import clock
from ledger.crashpoint import crashpoint
from ledger.eventstore.store import Context, EventStore, Executed
from ledger.identity import PAYMENT, new_id
from ledger.payments.late import LATE_BECAUSE
from ledger.payments.payment import Payment
from ledger.payments.ports import MethodHealth
from ledger.payments.service import PaymentService
from ledger.subscriptions import commands as c
from ledger.subscriptions.deciding import SUBSCRIPTION, decide
from ledger.subscriptions.following import Asking, Following, PaymentRefused, Steps
from ledger.subscriptions.story import Story
from ledger.subscriptions.subscription import Subscription, SubscriptionNotFound


class Payers(Protocol):
    async def known(self, customer_id: str) -> tuple[str, ...]:
        """Which of name, email and phone are known of a customer. Raises CustomerNotFound."""
        ...


@dataclass(frozen=True, kw_only=True)
class SubscriptionService:
    store: EventStore
    payments: PaymentService
    payers: Payers
    method_health: MethodHealth
    sent_by: str
    gateway_rests: Callable[[], bool] = lambda: False
    now: clock.Clock = clock.now

    async def get(self, subscription_id: str) -> Subscription:
        """Raises SubscriptionNotFound."""
        found = (await self.store.load(SUBSCRIPTION, subscription_id)).state
        if found.created is None:
            raise SubscriptionNotFound(subscription_id=subscription_id)
        return found

    async def carried_out(self, context: Context) -> Executed[Subscription] | None:
        """What came of a command of this id before: a repeat is answered with it, whatever would be
        refused by now. Raises CommandIdReused.
        """
        return await self.store.carried_out(SUBSCRIPTION, context)

    async def create(
        self, command: c.CreateSubscription, context: Context, besides: Steps = ()
    ) -> Executed[Subscription]:
        """A first bill that cannot be asked for refuses all of it. `besides` goes into the same append."""
        return await self._asked(
            command.subscription_id, command.customer_id, command, context, besides, is_new=True
        )

    async def do(
        self,
        subscription_id: str,
        command: c.SubscriptionCommand,
        context: Context,
        besides: Steps = (),
    ) -> Executed[Subscription]:
        """What a caller asks. Raises what the rules of subscriptions and payments raise."""
        customer_id = (await self.get(subscription_id)).creation.customer_id
        return await self._asked(subscription_id, customer_id, command, context, besides)

    async def preview(self, subscription_id: str, command: c.ChangeSubscription) -> Story:
        """What the change would do now, by the code that does it; nothing is stored."""
        state = await self.get(subscription_id)
        story = Story(state)
        story.add(*decide(state, replace(command, payment_id="preview")))
        return story

    async def advance(self, subscription_id: str) -> None:
        """Whatever time has brought about by now, one thing after the other."""
        state = await self.get(subscription_id)
        while state.look_at is not None and state.look_at <= self.now():
            crashpoint("renewal.before_append")
            done = await self._advanced(subscription_id, state.creation.customer_id)
            crashpoint("renewal.after_append")
            if not done.events:
                return
            # What a charge that failed at once has brought about came after that, and may be due, too.
            failed = any(one.status in LATE_BECAUSE for one in _payments(done.also))
            state = await self.get(subscription_id) if failed else done.state

    async def _advanced(self, subscription_id: str, customer_id: str) -> Executed[Subscription]:
        """A payment that cannot be asked for is an attempt that failed."""
        command = c.Advance(now=self.now(), payment_id=new_id(PAYMENT))
        context = Context(command_id=new_id("cmd"), actor=self.sent_by)
        try:
            return await self._act(subscription_id, customer_id, command, context)
        except PaymentRefused as refused:
            why = refused.refusal
            refusal = c.Refusal(code=why.code, words=why.detail or why.title)
            return await self._act(
                subscription_id,
                customer_id,
                replace(command, refused=refusal),
                replace(context, command_id=new_id("cmd")),
            )

    async def _asked(
        self,
        stream: str,
        customer_id: str,
        command: c.SubscriptionCommand,
        context: Context,
        besides: Steps,
        *,
        is_new: bool = False,
    ) -> Executed[Subscription]:
        if isinstance(command, c.Acting):
            command = replace(command, payment_id=new_id(PAYMENT))
        crashpoint("subscription.before_ask")
        try:
            done = await self._act(stream, customer_id, command, context, besides, is_new=is_new)
        except PaymentRefused as refused:
            raise refused.refusal from None
        crashpoint("subscription.after_ask")
        return done

    async def _act(
        self,
        stream: str,
        customer_id: str,
        command: c.SubscriptionCommand,
        context: Context,
        besides: Steps = (),
        *,
        is_new: bool = False,
    ) -> Executed[Subscription]:
        """Raises PaymentRefused besides."""
        began = clock.monotonic_seconds()
        asking = Asking(
            health=await self.method_health.health(),
            sent_by="" if self.gateway_rests() else self.sent_by,
            payer_known=await self.payers.known(customer_id),
        )
        done = await self.store.execute(
            SUBSCRIPTION,
            stream,
            command,
            context,
            is_new=is_new,
            then=Following(self.now, asking, besides),
        )
        crashpoint("subscription.after_append")
        # Of the payments that it touched, the right to send was won only of the one that it began.
        mine = command.payment_id if isinstance(command, c.Acting) else ""
        if mine not in done.also:
            return done
        sent = await self.payments.charge_begun(done.also[mine], began)
        return replace(done, also={**done.also, mine: sent})


def _payments(also: Mapping[str, Any]) -> list[Payment]:
    return [state for state in also.values() if isinstance(state, Payment)]
