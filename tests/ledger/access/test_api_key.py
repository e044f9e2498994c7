"""The life of an API key, as its decider tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ledger.access.api_key import (
    API_KEY,
    AccountMalformed,
    ApiKey,
    ApiKeyExists,
    ApiKeyNotFound,
    IssueKey,
    LabelMalformed,
    LifetimeRefused,
    RevokeKey,
)
from ledger.access.events import KeyedHash
from ledger.access.roles import RoleUnknown
from ledger.errors import LedgerError

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ISSUE = IssueKey(
    now=NOW,
    key_id="abcdefgh",
    account="shop",
    role="service",
    label="checkout",
    kept=KeyedHash(algorithm="hmac-sha-256", pepper="key-pepper/1", digest="00" * 32),
    expires_at=NOW + timedelta(days=365),
)
REVOKE = RevokeKey(now=NOW + timedelta(days=1), reason="leaked")


def after(*commands: IssueKey | RevokeKey) -> ApiKey:
    key = API_KEY.initial
    for command in commands:
        key = API_KEY.fold(API_KEY.decide(key, command), key)
    return key


def test_a_key_is_usable_from_its_issue_until_it_expires():
    key = after(ISSUE)

    assert key.usable(NOW)
    assert key.usable(ISSUE.expires_at - timedelta(microseconds=1))
    assert not key.usable(ISSUE.expires_at)
    assert not API_KEY.initial.usable(NOW)


def test_a_revoked_key_is_of_no_use_and_revoking_again_changes_nothing():
    key = after(ISSUE, REVOKE)

    assert not key.usable(NOW)
    assert API_KEY.decide(key, REVOKE) == []


def test_a_key_is_issued_once():
    with pytest.raises(ApiKeyExists):
        API_KEY.decide(after(ISSUE), ISSUE)


def test_what_was_not_issued_cannot_be_revoked():
    with pytest.raises(ApiKeyNotFound):
        API_KEY.decide(API_KEY.initial, REVOKE)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"role": "root"}, RoleUnknown),
        ({"account": ""}, AccountMalformed),
        ({"account": "Shop"}, AccountMalformed),
        ({"account": "-shop"}, AccountMalformed),
        ({"account": "a" * 65}, AccountMalformed),
        ({"label": ""}, LabelMalformed),
        ({"label": "a\nb"}, LabelMalformed),
        ({"label": "a" * 81}, LabelMalformed),
        ({"expires_at": NOW}, LifetimeRefused),
        ({"expires_at": NOW + timedelta(days=365, seconds=1)}, LifetimeRefused),
    ],
)
def test_an_unreasonable_key_is_refused(changes: dict[str, Any], refusal: type[LedgerError]):
    with pytest.raises(refusal):
        API_KEY.decide(API_KEY.initial, msgspec.structs.replace(ISSUE, **changes))
