"""Direct routes: declared like any other, answered without the solver, refused when they ask for more."""

from typing import Annotated

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.responses import Response

from api import problems
from api.direct import NotDirect, direct
from api.strict_json import StrictRoute


async def caller(request: Request) -> str:
    return request.headers["x-caller"]


def application(router: APIRouter) -> FastAPI:
    app = FastAPI()
    app.include_router(router)
    problems.install(app)
    return app


@pytest.fixture
def app() -> FastAPI:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/{number}")
    @direct
    async def show(
        number: Annotated[int, Path(ge=1)],
        who: Annotated[str, Depends(caller)],
        request: Request,
        more: Annotated[int, Query(ge=1)] = 1,
    ) -> Response:
        return Response(f"{who} {number + more} {request.url.path}")

    return application(router)


async def ask(app: FastAPI, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as web:
        return await web.get(path, headers={"X-Caller": "ani"})


async def test_parameters_dependencies_and_the_request_are_given(app: FastAPI) -> None:
    answer = await ask(app, "/41")

    assert (answer.status_code, answer.text) == (200, "ani 42 /41")


async def test_what_has_a_query_goes_the_general_way(app: FastAPI) -> None:
    answer = await ask(app, "/41?more=2")

    assert (answer.status_code, answer.text) == (200, "ani 43 /41")


@pytest.mark.parametrize("path", ["/0", "/x", "/%00", "/41?more=0", "/41?more=x"])
async def test_what_is_wrong_with_a_parameter_is_said_as_elsewhere(app: FastAPI, path: str) -> None:
    answer = await ask(app, path)

    assert answer.status_code == 422
    assert answer.json()["type"] in ("/problems/request_invalid", "/problems/nul_character")


def test_it_stands_in_the_openapi_document(app: FastAPI) -> None:
    number, more = app.openapi()["paths"]["/{number}"]["get"]["parameters"]

    assert (number["schema"]["minimum"], more["required"]) == (1, False)


def test_an_endpoint_that_needs_the_solver_is_refused_at_once() -> None:
    router = APIRouter(route_class=StrictRoute)

    async def show(size: Annotated[int, Query()]) -> Response:
        return Response(str(size))

    with pytest.raises(NotDirect):
        router.get("/sizes")(direct(show))
        application(router)
