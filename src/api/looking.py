"""Subscriptions as they stand, and as they would be."""

from dataclasses import dataclass
from datetime import datetime

from api import asked
from api.asked import ChangeOneThing
from api.quotes import Quote, fingerprint
from api.subscription_bodies import ChangeBody
from api.subscription_views import PreviewView, Shown, SubscriptionView
from api.wiring import Wiring
from ledger import clock
from ledger.bills.bill import Bill
from ledger.payments.payment import Payment
from ledger.subscriptions import commands as c
from ledger.subscriptions.preview import preview, renewal


@dataclass(frozen=True)
class Looking:
    wired: Wiring
    now: datetime | None = None  # None: the clock's

    async def view(self, subscription_id: str) -> SubscriptionView:
        """Raises SubscriptionNotFound."""
        return SubscriptionView.shown(await self.shown(subscription_id))

    async def shown(self, subscription_id: str) -> Shown:
        s = await self.wired.subscriptions.get(subscription_id)
        now = self.now or clock.now()
        bills = []
        for bill in s.open_bills:
            whole = await self.wired.bills.get(bill.bill_id)
            bills.append((bill, whole, await self._newest_payment(whole)))
        return Shown(s, bills, renewal(s, now), now)

    async def preview(self, subscription_id: str, body: ChangeBody) -> PreviewView:
        """Refuses what the change itself would refuse. Raises ChangeOneThing besides."""
        if body.changes_paying or body.quote_id:
            raise ChangeOneThing()
        s = await self.wired.subscriptions.get(subscription_id)
        command, _ = await asked.change(self.wired, s, body)
        assert isinstance(command, c.ChangeSubscription), "nothing else is previewed"
        story = await self.wired.subscriptions.preview(subscription_id, command)
        found = preview(story, command.now)
        quote = Quote(s.facts, command.now, asked.wanted(body), fingerprint(command.sold))
        quote_id = self.wired.quotes.write(subscription_id, quote)
        return PreviewView.of(subscription_id, found, quote, quote_id)

    async def _newest_payment(self, bill: Bill) -> Payment | None:
        newest = bill.collections[-1:]
        return await self.wired.payments.get(newest[0].payment_id) if newest else None
