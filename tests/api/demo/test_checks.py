"""A demo that claims nothing, or whose act broke, has shown nothing."""

from api.demo.checks import Checks


def test_what_differs_is_named_with_both_sides() -> None:
    checks = Checks()
    checks.equal("the total", 0, 0)
    checks.equal("the status", "settled", "pending")

    (failed,) = checks.failed

    assert (failed.name, failed.expected, failed.found) == ("the status", "settled", "pending")


def test_a_fault_is_a_failed_check() -> None:
    checks = Checks()
    checks.fault("an act", TimeoutError("too late"))

    assert [(row.name, row.found) for row in checks.failed] == [
        ("an act", "TimeoutError: too late")
    ]


def test_leftovers_are_listed() -> None:
    checks = Checks()
    checks.none("lost", [])
    checks.none("lost", ["a", "b"])

    assert [row.found for row in checks.failed] == ["a, b"]


def test_nothing_checked_is_a_failure() -> None:
    assert len(Checks().failed) == 1
