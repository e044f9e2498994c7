"""The matrix of roles and permissions, cell by cell where a mistake would cost most."""

import pytest

from ledger.access.caller import Caller, PermissionMissing
from ledger.access.roles import GRANTS, HELD, PERMISSIONS, ROLES, RoleUnknown, known_role

MOVES_MONEY = {
    "payments:create",
    "payments:capture",
    "payments:cancel",
    "payments:refund",
    "subscriptions:create",
    "subscriptions:change",
    "subscriptions:cancel",
}


def test_every_permission_has_one_row_and_somebody_holds_it():
    assert sorted(GRANTS) == sorted(PERMISSIONS)
    assert all(any(row) and len(row) == len(ROLES) for row in GRANTS.values())


@pytest.mark.parametrize("role", ["auditor", "reporting"])
def test_who_only_looks_can_only_read(role: str):
    assert all(held.endswith(":read") for held in HELD[known_role(role)])


def test_a_service_moves_money_and_makes_no_keys():
    assert HELD["service"] >= MOVES_MONEY
    assert not any(held.startswith("keys:") for held in HELD["service"])


def test_only_an_admin_makes_and_revokes_keys():
    for permission in ("keys:create", "keys:revoke"):
        assert [role for role in ROLES if permission in HELD[role]] == ["admin"]


def test_an_operator_starts_no_payment_and_sells_nothing():
    assert not {"payments:create", "subscriptions:create"} & HELD["operator"]


def test_a_caller_is_refused_what_its_role_lacks():
    caller = Caller(account="audit", role="auditor", key_id="abcdefgh")
    caller.require("payments:read")

    with pytest.raises(PermissionMissing) as refused:
        caller.require("payments:refund")

    assert caller.actor == "key:abcdefgh"
    assert refused.value.context == {"permission": "payments:refund", "role": "auditor"}


def test_an_unknown_role_is_refused():
    with pytest.raises(RoleUnknown):
        known_role("root")
