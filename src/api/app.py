"""The HTTP application: routes, problems, limits, and the wiring that lives as long as it does."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from api import auth, middleware, problems
from api.background import Background
from api.routes import (
    accounts,
    bills,
    coupons,
    customer_overview,
    customers,
    explain,
    health,
    payment_imports,
    payment_methods,
    payments,
    personal_data,
    plans,
    provider_notices,
    reports,
    subscription_changes,
    subscription_lists,
    subscriptions,
)
from api.wiring import open_wiring
from ledger.settings import Settings

ROUTERS = (
    *(provider_notices, payments, payment_imports, payment_methods),
    *(customers, customer_overview, personal_data, plans, coupons),
    *(subscriptions, subscription_changes, subscription_lists, bills),
    *(reports, accounts, explain, health),
)

MOST_AT_ONCE = 4_096  # charges wait for the gateway, not for us
DRAIN_SECONDS = 12.0  # the gateway's own deadline, and a little


def create_app(settings: Settings | None = None) -> FastAPI:
    app = FastAPI(
        title="Bukubesar",
        version="1",
        summary="Event-sourced payment ledger for merchants on Midtrans.",
        lifespan=_lifespan(settings or Settings()),
        docs_url=None,
        redirect_slashes=False,  # a redirect would follow whatever host the caller names
        redoc_url=None,
        separate_input_output_schemas=False,
        telemetry={"metrics": False, "logs": False},  # ours are Prometheus' and structlog's
    )
    for module in ROUTERS:
        app.include_router(module.router)
    problems.install(app)
    middleware.install(
        app,
        most_at_once=MOST_AT_ONCE,
        always=("/health", "/ready", "/metrics"),
        larger_bodies={payment_imports.PATH: payment_imports.LARGEST_BODY},
    )
    auth.assert_every_route_declares_permission(app)
    return app


def _lifespan(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.background = Background()
        async with open_wiring(settings, "api") as wired:
            app.state.wiring = wired
            yield
            await app.state.background.drain(DRAIN_SECONDS)

    return lifespan
