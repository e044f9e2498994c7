"""What callers send. Strict: no coercion, no unknown field; amounts are whole minor units."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from api.card_numbers import refuse_card_numbers
from ledger.journal.chart import check_part
from ledger.money import Money, currency
from ledger.payments.events import Fee, Sale
from ledger.payments.imported_item import ImportedItem
from ledger.providers.port import Payer

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=255)]
MinorUnits = Annotated[int, Field(gt=0, le=10**15, description="Whole rupiah; no decimals.")]


class Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)

    @model_validator(mode="after")
    def holds_no_card_number(self) -> Self:
        """Raises CardNumberRefused."""
        refuse_card_numbers(self.texts())
        return self

    def texts(self) -> list[Any]:
        """Where a card number might be."""
        return [value for value in self.__dict__.values() if value]


class PayerBody(Body):
    """Kept encrypted under a key of this customer, and sent to the gateway."""

    name: Annotated[str, StringConstraints(max_length=255)] = ""
    email: Annotated[str, StringConstraints(max_length=255, pattern=r"^$|^[^@\s]+@[^@\s]+$")] = ""
    phone: Annotated[str, StringConstraints(max_length=32, pattern=r"^$|^\+?[0-9]{6,20}$")] = ""

    def in_clear(self) -> Payer:
        return Payer(name=self.name, email=self.email, phone=self.phone)


class SaleBody(Body):
    """`prepaid` defers the revenue until it is earned, `delivered` earns it at once."""

    kind: Literal["delivered", "prepaid"]
    product: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")] = (
        "General"
    )


class PaymentBody(Body):
    amount: MinorUnits
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "IDR"
    payment_method: Annotated[
        Word, Field(description="A method or family of GET /api/v1/payment-methods.")
    ]
    fallback_methods: Annotated[tuple[Word, ...], Field(max_length=5, strict=False)] = ()
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "ID"
    subscription_id: Word | None = None
    customer_id: Word | None = None
    payer: PayerBody = PayerBody()
    card_token: Annotated[str, StringConstraints(min_length=8, max_length=128)] | None = None
    saved_method: Annotated[
        Word | None, Field(description="A payment method of the customer, as `pm_…`.")
    ] = None
    capture: Literal["at_once", "later"] = "at_once"
    expires_after_seconds: Annotated[int, Field(gt=0, le=180 * 86_400)] | None = None
    sale: SaleBody | None = None
    taxed: bool = True
    metadata: Annotated[dict[Word, Text], Field(max_length=20)] = {}

    def sold(self) -> Sale:
        """Said by the caller, or: what belongs to a subscription is paid in advance, all else is
        delivered.
        """
        if self.sale is not None:
            return Sale(kind=self.sale.kind, product=check_part(self.sale.product))
        return Sale(kind="prepaid" if self.subscription_id else "delivered")


# Midtrans is from 2012. The bound also keeps off what no calendar of ours can tell in UTC.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _in_words(value: object) -> object:
    """Pydantic would also take a number, and digits in a text, for seconds or milliseconds."""
    if not isinstance(value, str) or value.isdecimal():
        raise ValueError("A time is a text of RFC 3339 with its offset.")
    return value


Moment = Annotated[AwareDatetime, Field(strict=False, ge=EARLIEST), BeforeValidator(_in_words)]


class FeeBody(Body):
    """What the gateway kept, in whole rupiah."""

    percentage: Annotated[int, Field(ge=0, le=10**15)] = 0
    fixed: Annotated[int, Field(ge=0, le=10**15)] = 0
    tax: Annotated[int, Field(ge=0, le=10**15)] = 0

    def in_money(self, money: Callable[[int], Money]) -> Fee:
        return Fee(percentage=money(self.percentage), fixed=money(self.fixed), tax=money(self.tax))


class ImportBody(Body):
    """A payment that another system took. `reference` is its idempotency key."""

    reference: Word
    amount: MinorUnits
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "IDR"
    payment_method: Word
    settled_at: Moment
    fee: Annotated[FeeBody | None, Field(description="The catalogue's when it is not given.")] = (
        None
    )
    sale: SaleBody | None = None
    taxed: bool = True
    order_id: Annotated[str, StringConstraints(max_length=255)] = ""
    transaction_id: Annotated[str, StringConstraints(max_length=255)] = ""
    subscription_id: Word | None = None
    customer_id: Word | None = None
    metadata: Annotated[dict[Word, Text], Field(max_length=20)] = {}

    def item(self) -> ImportedItem:
        """Raises CurrencyUnknown."""
        kind: Literal["delivered", "prepaid"] = "prepaid" if self.subscription_id else "delivered"
        money = partial(Money, currency=currency(self.currency))
        return ImportedItem(
            reference=self.reference,
            amount=money(self.amount),
            method=self.payment_method,
            settled_at=self.settled_at,
            sale=Sale(kind=self.sale.kind, product=self.sale.product)
            if self.sale
            else Sale(kind=kind),
            taxed=self.taxed,
            fee=self.fee.in_money(money) if self.fee else None,
            order_id=self.order_id,
            transaction_id=self.transaction_id,
            subscription_id=self.subscription_id or "",
            customer_id=self.customer_id or "",
            metadata=self.metadata,
        )


class _DescribedAsImport:
    """Items are validated one by one, each to its own outcome; their description is whole."""

    def __get_pydantic_json_schema__(
        self, _: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(ImportBody.__pydantic_core_schema__)


class BulkBody(BaseModel):
    """Each item is judged by itself."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    items: Annotated[
        list[Annotated[dict[str, Any], _DescribedAsImport()]],
        Field(min_length=1, max_length=10_000),
    ]


class CaptureBody(Body):
    amount: MinorUnits | None = None


class CancelBody(Body):
    reason: Annotated[str, StringConstraints(max_length=255)] = ""


class RefundBody(Body):
    amount: Annotated[
        MinorUnits | None, Field(description="All that is left when it is not given.")
    ] = None
    reason: Text = "requested_by_customer"
