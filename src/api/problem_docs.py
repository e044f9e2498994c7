"""Writes docs/problems.md: every code an answer can carry, its status, and what to do then."""

import importlib
import pkgutil
from typing import Final

from api.problems import OURS, KnownCode, all_codes

WHAT_TO_DO: Final = {
    "NotFound": "Check the id; what is not yours looks as if it were not there.",
    "Conflict": "Read the resource again, then decide; the same request will fail again.",
    "Rejected": "Correct the request; sending it again unchanged will not help.",
    "NotAllowed": "Use a key that is valid and whose role includes this.",
    "ProviderFailed": "Nothing to correct; read the resource, and tell us if it lasts.",
    "Unavailable": "Send the same request with the same Idempotency-Key after `Retry-After`.",
    "LedgerError": "Tell us the `instance` of the answer.",
}

# Where the kind's advice would mislead.
WHAT_TO_DO_BY_CODE: Final = {
    "body_too_slow": "Send the same request again over a better connection.",
    "rate_limited": "Send the same request after `Retry-After`, and fewer of them.",
    "unauthenticated": "Send a valid key as `Authorization: Bearer <key>`.",
    "stream_busy": "Send the same request with the same Idempotency-Key again.",
}

INTRODUCTION: Final = """\
# Problems

Every error is answered as `application/problem+json` (RFC 9457): `type` is `/problems/<code>`,
`title` says what the code means, `detail` what happened this time, `instance` is the id of the
request (also in the header `X-Request-ID`). Further members depend on the code. Codes are stable:
new ones may come, none changes its meaning.

This file is written by `api/problem_docs.py`.

| code | status | meaning | what to do |
|---|---|---|---|
"""


def render() -> str:
    """The whole document. Imports every module of ours, because an error stands beside its rule."""
    for package in OURS:
        _import_all(package)
    return INTRODUCTION + "".join(_row(known) for known in all_codes())


def _row(known: KnownCode) -> str:
    advice = WHAT_TO_DO_BY_CODE.get(known.code, WHAT_TO_DO[known.kind])
    return f"| `{known.code}` | {known.status} | {known.title} | {advice} |\n"


def _import_all(package: str) -> None:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        importlib.import_module(module.name)
