"""Who calls, and may they: a route declares the permission it needs, or nothing starts."""

from collections.abc import Iterable
from functools import cache
from typing import Final, get_args

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.openapi.models import HTTPBearer
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from ledger.access.caller import Caller, Unauthenticated
from ledger.access.roles import Permission
from ledger.access.service import ApiKeys

# What says nothing of the merchant, and the gateway's notices, which carry their own signature.
PUBLIC: Final = frozenset(
    {
        "/health",
        "/ready",
        "/openapi.json",
        "/api/v1/webhooks/midtrans",
    }
)


class RouteWithoutPermission(RuntimeError):
    """A route neither declares a permission nor is public; nobody is served until it does."""


class MayDo(SecurityBase):
    """A dependency that gives the caller, or refuses; OpenAPI shows it as bearer security."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        self.scheme_name = "ApiKey"
        self.model = HTTPBearer(description="An API key; `X-Api-Key` is read as well.")

    async def __call__(self, request: Request) -> Caller:
        caller = await authenticated(request)
        caller.require(self.permission)
        return caller


@cache
def permission(name: Permission) -> MayDo:
    """For routes: `caller: Annotated[Caller, Depends(permission("payments:create"))]`."""
    if name not in get_args(Permission):
        raise RouteWithoutPermission(f"There is no permission {name}.")
    return MayDo(name)


async def authenticated(request: HTTPConnection) -> Caller:
    """Raises Unauthenticated. The access log names the caller from here on."""
    api_keys: ApiKeys = request.app.state.wiring.api_keys
    caller = await api_keys.authenticate(_presented(request))
    request.state.caller = caller.actor
    return caller


def _presented(request: HTTPConnection) -> str:
    authorization = request.headers.get("authorization")
    if authorization is None:
        key = request.headers.get("x-api-key", "")
    else:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Authorization has to be `Bearer <key>`.")
    if not key:
        raise Unauthenticated("Send an API key as `Authorization: Bearer <key>`.")
    return key.strip()


def assert_every_route_declares_permission(app: FastAPI, public: Iterable[str] = PUBLIC) -> None:
    """Deny by default, at start-up. Raises RouteWithoutPermission, naming every route at fault."""
    open_to_all = frozenset(public)
    bare = [
        f"{'/'.join(sorted(route.methods or ()))} {route.path}".strip()
        for route in iter_route_contexts(app.routes)
        if route.path not in open_to_all and not declared_permissions(route)
    ]
    if bare:
        raise RouteWithoutPermission(f"Without permission: {', '.join(bare)}.")


def declared_permissions(route: RouteContext) -> frozenset[Permission]:
    """What the route asks for; nothing for a mounted application."""
    dependant = getattr(route, "dependant", None)
    return frozenset(_permissions(dependant)) if dependant else frozenset()


def _permissions(dependant: Dependant) -> set[Permission]:
    own = {dependant.call.permission} if isinstance(dependant.call, MayDo) else set()
    return own.union(*(_permissions(child) for child in dependant.dependencies))
