"""Errors of HTTP itself, before any rule of ours is asked."""

from typing import Final

from ledger.errors import LedgerError, NotFound, Rejected, Unavailable


class InternalError(LedgerError):
    code = "internal_error"
    title = "Something failed on our side; it has been recorded."


class BadRequest(Rejected):
    code = "bad_request"
    title = "The request is not valid HTTP for this address."


class RouteNotFound(NotFound):
    code = "route_not_found"
    title = "There is no such address here."


class MethodNotAllowed(Rejected):
    code = "method_not_allowed"
    title = "This address does not answer to that method."


class BodyTooLarge(Rejected):
    code = "body_too_large"
    title = "The body is larger than accepted here."


class BodyTooSlow(Rejected):
    code = "body_too_slow"
    title = "The body did not arrive in time."


class UnsupportedMediaType(Rejected):
    code = "unsupported_media_type"
    title = "The body has to be sent as application/json."


class Overloaded(Unavailable):
    code = "overloaded"
    title = "Too many requests are being worked on; try again."


# What the framework raises by status, in our words.
OF_THE_FRAMEWORK: Final[dict[int, type[LedgerError]]] = {
    404: RouteNotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
}
