"""What callers send about erasing a person, and about keeping one."""

from typing import Annotated

from pydantic import Field, StringConstraints

from api.bodies import Body
from api.routes.parts import PAYMENT_ID
from api.subscription_bodies import Day
from ledger.customers.events import Basis, Why

MOST_PAYMENTS = 100


class EraseBody(Body):
    reason: Why
    payments: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=PAYMENT_ID)], ...],
        Field(
            max_length=MOST_PAYMENTS,
            strict=False,
            description="Payments that name no customer, and were this person's.",
        ),
    ] = ()


class HoldBody(Body):
    basis: Basis
    until: Annotated[
        Day | None, Field(description="The last day on which it holds; else until it is lifted.")
    ] = None
