"""Putting the simulator together, and serving it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from simulator import book_api, control_api, core_api, nemesis_api, pages, snap_api
from simulator.config import Config
from simulator.fault_layer import FaultLayer
from simulator.gateway import Gateway
from simulator.snap_api import SnapRefusal
from simulator.transactions import NotPossible
from simulator.wire import Json, Refusal, refused


def create_app(config: Config) -> Starlette:
    gateway = Gateway(config)
    app = Starlette(
        routes=[
            *control_api.routes,
            *nemesis_api.routes,
            *book_api.routes,
            *snap_api.routes,
            *pages.routes,
            *core_api.routes,
        ],
        middleware=[Middleware(FaultLayer, gateway=gateway)],
        exception_handlers={
            Refusal: refused,
            SnapRefusal: snap_api.snap_refused,
            NotPossible: control_api.not_possible,
            HTTPException: not_routed,
        },
        lifespan=lifespan,
    )
    app.state.gateway = gateway
    return app


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    gateway: Gateway = app.state.gateway
    clockwork = asyncio.create_task(gateway.agenda.run_forever(gateway.config.tick_seconds))
    yield
    clockwork.cancel()
    with suppress(asyncio.CancelledError):
        await clockwork
    await gateway.outbox.close()
    gateway.book.close()


async def not_routed(_: Request, error: Exception) -> Response:
    """No such path or method, in the Core API's shape."""
    assert isinstance(error, HTTPException)  # Starlette types the handler too widely
    code = str(error.status_code)
    body = Refusal(code, "The requested resource is not found").body
    return Json(body, error.status_code)


class Connection(HttpToolsProtocol):
    """Lets a fault get hold of the connection it is to cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


class Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            address = f"http://{self.config.host}:{self.config.port}"
            print(f"Midtrans simulator listening on {address}", flush=True)


def server(config: Config, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            create_app(config),
            host=host,
            port=port,
            http=Connection,
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
