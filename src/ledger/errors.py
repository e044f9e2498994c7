"""What can go wrong, by what the caller can do about it.

    LedgerError
    ├── NotFound         it is not there (or not yours)
    ├── Conflict         it is there, but not in that state, or somebody was faster
    ├── Rejected         the request itself is wrong; sending it again will not help
    ├── NotAllowed       this caller may not
    ├── ProviderFailed   the gateway answered what we cannot use
    └── Unavailable      a dependency is down; try again after `retry_after_seconds`

A concrete error lives beside the rule that raises it, with a stable `code` and JSON-safe context.
It knows no HTTP.
"""

from typing import ClassVar


class LedgerError(Exception):
    """A refusal or failure with a stable code; `context` is safe to show to the caller."""

    code: ClassVar[str] = "ledger_error"
    title: ClassVar[str] = "Something went wrong in the ledger."

    def __init__(self, detail: str = "", **context: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.context = context


class NotFound(LedgerError):
    code = "not_found"
    title = "There is nothing here under that id."


class Conflict(LedgerError):
    code = "conflict"
    title = "This is not possible in the present state."


class Rejected(LedgerError):
    code = "rejected"
    title = "The request cannot be accepted as it is."


class NotAllowed(LedgerError):
    code = "not_allowed"
    title = "This caller may not do that."


class ProviderFailed(LedgerError):
    code = "provider_failed"
    title = "The payment gateway gave an answer that cannot be used."


class Unavailable(LedgerError):
    code = "unavailable"
    title = "The ledger cannot be reached right now; try again."
    retry_after_seconds: ClassVar[int] = 1
