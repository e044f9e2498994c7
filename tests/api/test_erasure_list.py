"""The list of erasures outside the database: durable, each once, and readable after it was cut short."""

from datetime import UTC, datetime
from pathlib import Path

from api.erasure_list import enter, read
from ledger.privacy.service import Listed


def listed(customer_id: str) -> Listed:
    return Listed(
        customer_id=customer_id,
        subjects=(customer_id, "pay_1"),
        reason="asked_by_person",
        requested_by="ana",
        approved_by="budi",
        approved_at=datetime(2026, 11, 27, tzinfo=UTC),
    )


def test_each_is_listed_once_in_the_order_of_their_approval(tmp_path: Path) -> None:
    file = tmp_path / "new" / "erasures.jsonl"

    for customer_id in ("b", "a", "b"):
        enter(file, listed(customer_id))

    assert [one.customer_id for one in read(file).listed] == ["b", "a"]
    assert len(file.read_text().splitlines()) == 2


def test_a_line_that_was_cut_short_follows_whole(tmp_path: Path) -> None:
    file = tmp_path / "erasures.jsonl"
    enter(file, listed("a"))
    file.write_bytes(file.read_bytes() + b'{"customer_id": "b", "subj')

    enter(file, listed("b"))

    found = read(file)
    assert [one.customer_id for one in found.listed] == ["a", "b"]
    assert found.torn == 1
