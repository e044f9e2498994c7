"""Routes that are asked all the time: declared as any other, so that OpenAPI and permissions see them,
but with their parameters found without FastAPI's general solver, which costs more than the answer.

A direct endpoint takes path parameters, `request`, and dependencies that take only the request; it
returns a Response. What it may be asked in a query has defaults; a request with a query goes the
general way.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Awaitable[Response]]


class NotDirect(TypeError):
    """The endpoint takes something that only FastAPI's solver can find."""


def direct(endpoint: Endpoint) -> Endpoint:
    """Marks an endpoint; use below the router's decorator."""
    endpoint.__direct__ = True  # type: ignore[attr-defined]
    return endpoint


def is_direct(route: APIRoute) -> bool:
    return getattr(route.endpoint, "__direct__", False)


def handler(route: APIRoute, otherwise: Handler) -> Handler:
    """`otherwise` answers what has a query, and what is wrong with a path parameter. Raises NotDirect."""
    asked = [(str(one.name), _call(one)) for one in route.dependant.dependencies]
    wants_request = route.dependant.request_param_name
    fields = route.dependant.path_params
    required = any(field.field_info.is_required() for field in route.dependant.query_params)
    if required or _wants_more(route.dependant):
        raise NotDirect(route.path)

    async def handle(request: Request) -> Response:
        if request.scope["query_string"]:
            return await otherwise(request)
        values: dict[str, Any] = {}
        for field in fields:
            value, errors = field.validate(request.path_params[field.alias], loc=("path",))
            if errors:
                return await otherwise(request)
            values[field.name] = value
        for name, call in asked:
            values[name] = await call(request)
        if wants_request:
            values[wants_request] = request
        answer: Response = await route.endpoint(**values)
        return answer

    return handle


def _call(dependency: Dependant) -> Callable[[Request], Awaitable[Any]]:
    asks = dependency.dependencies or dependency.path_params or dependency.query_params
    if asks or _wants_more(dependency):
        raise NotDirect(str(dependency.name))
    assert dependency.call is not None
    return dependency.call


def _wants_more(dependant: Dependant) -> bool:
    return bool(dependant.header_params or dependant.cookie_params or dependant.body_params)
