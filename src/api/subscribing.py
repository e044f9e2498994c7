"""What callers ask of subscriptions, carried out once and answered from the streams that were written."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Request
from fastapi.responses import Response
from msgspec.structs import replace
from pydantic import BaseModel

from api import asked
from api.asked import Asked
from api.background import Background
from api.idempotency import Answer, MayRepeat, Once, RequestInProgress
from api.looking import Looking
from api.subscription_bodies import SubscriptionBody
from api.subscription_views import SubscriptionView
from api.versions import IfMatch, tagged
from api.wiring import Wiring
from ledger.access.caller import Caller
from ledger.errors import Conflict
from ledger.eventstore.store import Context, Executed
from ledger.identity import SUBSCRIPTION, new_id
from ledger.payments.life import Status
from ledger.subscriptions import commands as c
from ledger.subscriptions.subscription import Subscription

OPEN: Final = frozenset({Status.REQUESTED, Status.DISPATCHED, Status.UNKNOWN})

Responses = dict[int | str, dict[str, Any]]
ANSWER: Final[Responses] = {
    200: {"model": SubscriptionView},
    202: {
        "model": SubscriptionView,
        "description": "Done; the gateway has not answered about a payment yet.",
    },
}
CREATED: Final[Responses] = {
    201: {"model": SubscriptionView, "description": "Also while its first bill waits to be paid."},
    202: ANSWER[202],
}

Make = Callable[[Subscription], Awaitable[Asked]]


class VersionDiffers(Conflict):
    code = "version_differs"
    title = "The subscription is not at the version of If-Match any more."


@dataclass(frozen=True)
class Acting:
    """Of one request. `version` is what its If-Match says."""

    wired: Wiring
    background: Background
    once: Once
    version: int | None

    async def create(self, caller: Caller, body: SubscriptionBody) -> Response:
        async def work(context: Context) -> Answer:
            if done := await self.wired.subscriptions.carried_out(context):
                return await self._answer(done, 201)
            command, besides = await asked.create(self.wired, new_id(SUBSCRIPTION), body)
            assert isinstance(command, c.CreateSubscription)
            creating = self.wired.subscriptions.create(command, context, besides)
            return await self._carried_out(creating, context, 201)

        return tagged(await self.once(caller, body, work))

    async def __call__(
        self, caller: Caller, body: BaseModel | None, subscription_id: str, make: Make
    ) -> Response:
        """A repeat is answered as it was, whatever would be refused by now."""

        async def work(context: Context) -> Answer:
            if done := await self.wired.subscriptions.carried_out(context):
                return await self._answer(done, 200)
            command, besides = await self._asked(subscription_id, make)
            acting = self.wired.subscriptions.do(subscription_id, command, context, besides)
            return await self._carried_out(acting, context, 200)

        return tagged(await self.once(caller, body, work))

    async def _asked(self, subscription_id: str, make: Make) -> Asked:
        """Raises VersionDiffers, SubscriptionNotFound."""
        s = await self.wired.subscriptions.get(subscription_id)
        if self.version is None:
            return await make(s)
        if self.version != s.facts:
            raise VersionDiffers(version=s.facts)
        command, besides = await make(s)
        facts = self.version if command.facts is None else command.facts
        return Asked(replace(command, facts=facts), besides)

    async def _carried_out(
        self, acting: Coroutine[Any, Any, Executed[Subscription]], context: Context, status: int
    ) -> Answer:
        """A charge that takes its time goes on, and 202 is answered meanwhile."""
        seconds = self.wired.settings.answer_within_seconds
        done = await self.background.within(seconds, acting)
        if done is None:
            written = await self.wired.subscriptions.carried_out(context)
            if written is None:
                raise RequestInProgress()
            done = replace(written, replayed=False)
        return await self._answer(done, status)

    async def _answer(self, done: Executed[Subscription], status: int) -> Answer:
        """A repeat of what somebody is still working on is not answered yet."""
        shown = await Looking(self.wired).shown(done.stream)
        payments = [one for *_, one in shown.bills if one]
        sending = any(one.status is Status.DISPATCHED and not one.review for one in payments)
        if any(one.status in OPEN for one in payments):
            status = 202
        view = SubscriptionView.shown(shown)
        return Answer(status, view, settled=not (done.replayed and sending))


async def _acting(request: Request, once: MayRepeat, version: IfMatch) -> Acting:
    """Async only because FastAPI runs any other dependency in its thread pool."""
    return Acting(request.app.state.wiring, request.app.state.background, once, version)


async def _looking(request: Request) -> Looking:
    return Looking(request.app.state.wiring)


Act = Annotated[Acting, Depends(_acting)]
Look = Annotated[Looking, Depends(_looking)]
