"""A small application with everything of the HTTP layer around one route that takes money."""

from typing import Annotated

from fastapi import APIRouter, FastAPI, Query
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel, ConfigDict, Field

from api import middleware, problems
from api.strict_json import StrictRoute
from ledger.errors import Conflict, Unavailable


class Amount(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    minor: int = Field(gt=0)
    currency: str = Field(max_length=3)


class PaymentRequest(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    amount: Amount
    words: str = Field(default="", max_length=40)
    metadata: dict[str, str] = {}


class WrongState(Conflict):
    code = "test_wrong_state"


class Down(Unavailable):
    code = "test_down"
    retry_after_seconds = 7


class Broken(Exception):
    """Its message holds what nobody may read."""


def money_app(**limits: float) -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/payments", route_class=StrictRoute)

    @router.post("/{payment_id}", status_code=201)
    async def pay(payment_id: str, body: PaymentRequest) -> PaymentRequest:
        return body

    @router.get("")
    async def find(size: Annotated[int, Query(ge=1)] = 1, text: str = "") -> str:
        return text

    @router.get("/conflict")
    async def conflict() -> None:
        raise WrongState("It is settled.", status="settled", left_minor=1, ratio=float("nan"))

    @router.get("/down")
    async def down() -> None:
        raise Down()

    @router.get("/broken")
    async def broken() -> None:
        raise Broken("canary-of-the-message")

    app.include_router(router, prefix="/api/v1")
    problems.install(app)
    middleware.install(app, **limits)  # type: ignore[arg-type]
    return app


def client(app: FastAPI, *, raising: bool = False) -> AsyncClient:
    """Unless `raising`, what the application raises stays in the server, as with a real one."""
    transport = ASGITransport(app=app, raise_app_exceptions=raising)
    return AsyncClient(transport=transport, base_url="http://ledger")
