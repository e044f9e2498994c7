"""What callers send about customers."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from api.bodies import Body, Word
from ledger.customers.customer import CUSTOMER_ID
from ledger.customers.details import Details, is_nik
from ledger.customers.events import Language
from ledger.customers.service import Token

CustomerName = Annotated[str, StringConstraints(pattern=f"^{CUSTOMER_ID}$")]

GatewayToken = Annotated[str, StringConstraints(min_length=8, max_length=4_096)]


class CustomerBody(Body):
    """Kept encrypted under a key of this customer, but for the language."""

    language: Language = "id"
    name: Annotated[str, StringConstraints(max_length=255)] = ""
    email: Annotated[str, StringConstraints(max_length=254)] = ""
    phone: Annotated[
        str, StringConstraints(max_length=32), Field(description="As +628… or 08….")
    ] = ""
    npwp: Annotated[
        str,
        StringConstraints(max_length=20),
        Field(description="16 digits, or 15 as before 2024."),
    ] = ""
    address: Annotated[str, StringConstraints(max_length=500)] = ""

    def in_clear(self) -> Details:
        return Details(
            name=self.name,
            email=self.email,
            phone=self.phone,
            npwp=self.npwp,
            address=self.address,
        )

    def texts(self) -> list[Any]:
        """A person's NPWP has as many digits as a card, and one in ten passes for one."""
        exempt = "npwp" if is_nik(self.npwp.strip()) else ""
        return [value for name, value in self.__dict__.items() if value and name != exempt]


class NewCustomerBody(CustomerBody):
    customer_id: Annotated[
        CustomerName | None, Field(description="One is made when it is not given.")
    ] = None


class CardMethodBody(Body):
    """A card that the payer's browser saved with the gateway. Its number does not belong here."""

    kind: Literal["card"]
    token: Annotated[GatewayToken, Field(description="The gateway's `saved_token_id`.")]
    masked: Annotated[
        str, StringConstraints(max_length=20), Field(description="As `48111111-1114`.")
    ]
    expires_on: Annotated[
        str, StringConstraints(max_length=7), Field(description="Its last month, as `2028-12`.")
    ]

    def sealable(self) -> Token:
        return Token(self.token)

    def shown(self) -> dict[str, str]:
        return {"masked": self.masked, "expires_on": self.expires_on}


class GopayMethodBody(Body):
    """A GoPay account that the payer linked to the merchant."""

    kind: Literal["gopay"]
    account_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    token: Annotated[GatewayToken, Field(description="The payment option's token.")]

    def sealable(self) -> Token:
        return Token(self.token, self.account_id)

    def shown(self) -> dict[str, str]:
        return {}


MethodBody = Annotated[CardMethodBody | GopayMethodBody, Field(discriminator="kind")]


class PreferredBody(Body):
    method: Annotated[Word, Field(description="Id of a saved method, or one of the catalogue.")]
