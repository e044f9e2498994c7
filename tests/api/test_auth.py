"""Keys at the door: who is let in, what for, and that no route is left open by mistake."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from httpx2 import AsyncClient
from structlog.testing import capture_logs

from api import auth, middleware, problems
from api.auth import RouteWithoutPermission, assert_every_route_declares_permission, permission
from ledger.access.caller import Caller
from ledger.access.service import ApiKeys
from support.money_app import client
from support.stores import open_store


def guarded_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/payments")

    @router.post("/{payment_id}/refund")
    async def refund(
        payment_id: str, caller: Annotated[Caller, Depends(permission("payments:refund"))]
    ) -> list[str]:
        return [caller.account, caller.actor]

    app.include_router(router, prefix="/api/v1")
    problems.install(app)
    middleware.install(app)
    return app


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[tuple[AsyncClient, ApiKeys]]:
    async with open_store(database) as stores:
        api_keys = ApiKeys(stores.store, pepper=b"p" * 32)
        app = guarded_app()
        app.state.wiring = SimpleNamespace(api_keys=api_keys)
        async with client(app) as http:
            yield http, api_keys


REFUND = "/api/v1/payments/p1/refund"


async def test_a_key_whose_role_may_is_let_in_by_either_header(ledger_database: str):
    async with opened(ledger_database) as (http, api_keys):
        key, key_id = await api_keys.issue("service", "shop", "checkout", by="test")

        with capture_logs() as logs:
            bearer = await http.post(REFUND, headers={"Authorization": f"Bearer {key}"})
        header = await http.post(REFUND, headers={"X-Api-Key": key})

    assert bearer.json() == header.json() == ["shop", f"key:{key_id}"]
    assert logs[-1]["caller"] == f"key:{key_id}"
    assert key not in str(logs)


async def test_a_key_whose_role_may_not_is_403(ledger_database: str):
    async with opened(ledger_database) as (http, api_keys):
        key, _ = await api_keys.issue("auditor", "audit", "yearly", by="test")

        answer = await http.post(REFUND, headers={"Authorization": f"bearer {key}"})

    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/permission_missing")
    assert (answer.json()["permission"], answer.json()["role"]) == ("payments:refund", "auditor")


async def test_no_key_and_any_wrong_key_look_the_same(ledger_database: str):
    async with opened(ledger_database) as (http, api_keys):
        key, key_id = await api_keys.issue("service", "shop", "checkout", by="test")
        other, _ = await api_keys.issue("service", "shop", "checkout", by="test")
        await api_keys.revoke(key_id, by="test")
        wrong: list[dict[str, Any]] = [
            {"Authorization": f"Bearer {key}"},
            {"Authorization": f"Bearer {other[:-1]}"},
            {"Authorization": f"Bearer {other.swapcase()}"},
            {"X-Api-Key": "bkb_00000000_" + "a" * 43 + "_aaaaaa"},
            {"X-Api-Key": "\u00e9".encode() * 63},
        ]
        answers = [await http.post(REFUND, headers=headers) for headers in wrong]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert len({answer.json()["detail"] for answer in answers}) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer "}, {"X-Api-Key": ""}]
)
async def test_without_a_key_the_answer_says_how_to_send_one(
    headers: dict[str, str], ledger_database: str
):
    async with opened(ledger_database) as (http, _):
        answer = await http.post(REFUND, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert "Bearer" in answer.json()["detail"]


def test_an_application_whose_routes_all_declare_may_start():
    assert_every_route_declares_permission(guarded_app(), public=())


def test_one_bare_route_stops_the_start():
    app = guarded_app()
    bare = APIRouter(prefix="/bare")

    @bare.get("/{thing}")
    async def thing(thing: str) -> str:
        return thing

    app.include_router(bare, prefix="/api/v1")

    with pytest.raises(RouteWithoutPermission, match=r"GET /api/v1/bare/\{thing\}"):
        assert_every_route_declares_permission(app)
    assert_every_route_declares_permission(app, public={"/api/v1/bare/{thing}"})


def test_a_mount_the_documents_and_a_websocket_have_to_be_named_as_public(tmp_path: Any):
    app = FastAPI()
    app.mount("/static", StaticFiles(directory=tmp_path))

    @app.websocket("/feed")
    async def feed() -> None: ...

    with pytest.raises(RouteWithoutPermission) as refused:
        assert_every_route_declares_permission(app, public=())

    for path in ("/static", "/docs", "/openapi.json", "/feed"):
        assert path in str(refused.value)


def test_a_permission_on_the_router_counts_for_its_routes():
    app = FastAPI(openapi_url=None)
    router = APIRouter(prefix="/metrics", dependencies=[Depends(permission("metrics:read"))])

    @router.get("")
    async def metrics() -> str:
        return ""

    app.include_router(router)

    assert_every_route_declares_permission(app, public=())


def test_a_permission_that_does_not_exist_cannot_be_declared():
    with pytest.raises(RouteWithoutPermission):
        permission("payments:destroy")  # type: ignore[arg-type]


def test_the_document_shows_the_key_as_bearer_security():
    app = guarded_app()
    schema = app.openapi()

    assert schema["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    assert schema["paths"]["/api/v1/payments/{payment_id}/refund"]["post"]["security"] == [
        {"ApiKey": []}
    ]


def test_of_the_api_itself_only_the_notices_of_the_gateway_are_public():
    assert [path for path in auth.PUBLIC if "/api/" in path] == ["/api/v1/webhooks/midtrans"]
